//! `eip ingest` as it is set up: its settings, and tokens made by `eip token`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use crate::support::{Eip, generate, http};

/// A service of its own; ended with the test.
struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start(mut command: Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let Some(address) = line.trim().strip_prefix("listening on ") else {
            let mut why = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut why)
                .unwrap();
            panic!("{line}{why}");
        };
        let address = address.to_owned();
        Self { child, address }
    }

    /// The status of `GET /v1/runs`.
    fn status(&self, token: Option<&str>) -> u16 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let request = reqwest::Client::new().get(format!("{}/v1/runs", self.address));
            let request = match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            request.send().await.unwrap().status().as_u16()
        })
    }

    /// Ends it and gives what it logged.
    fn stop(mut self) -> String {
        self.child.kill().unwrap();
        let mut log = String::new();
        let mut pipe = self.child.stderr.take().unwrap();
        pipe.read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A new token and its hash.
fn new_token(eip: &Eip) -> (String, String) {
    let out = eip
        .run(["token", "new", "--name", "x", "--role", "replay"])
        .ok()
        .out;
    let word = |name: &str| {
        let line = out.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{out}")).trim().to_owned()
    };
    let (token, sha256) = (word("token "), word("sha256 "));
    assert!(out.ends_with(&format!(
        "[tokens.x]\nrole = \"replay\"\nsha256 = \"{sha256}\"\n"
    )));
    (token, sha256)
}

fn write(eip: &Eip, name: &str, text: &str) -> PathBuf {
    let path = eip.path(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn text(output: &Output) -> String {
    let both = [output.stdout.clone(), output.stderr.clone()].concat();
    String::from_utf8(both).unwrap()
}

#[test]
fn each_setting_is_printed_with_its_origin_and_no_secret() {
    let eip = Eip::new();
    let secrets = write(&eip, "postgres", "postgres://eip:hidden@db/eip\n");
    let file = write(
        &eip,
        "ingest.toml",
        "listen = \"127.0.0.1:1\"\nkafka_properties = \"sasl.password=hidden\"\nspace = \"filed\"\n\
         [datasets]\nolist = \"/data\"\n[limits]\nbody_timeout = \"5s\"\n",
    );
    let output = eip
        .command(["ingest", "--print-config", "--config"])
        .arg(&file)
        .args(["--listen", "127.0.0.1:2"])
        .env("EIP_SPACE", "told")
        .env("EIP_POSTGRES_FILE", &secrets)
        .env("EIP_REDIS", "redis://:hidden@cache")
        .env("EIP_INGEST_MAX_ROWS", "7")
        .output()
        .unwrap();
    let printed = text(&output);
    assert!(output.status.success(), "{printed}");
    let at = |line: u32| format!("# file {}:{line}", file.display());
    for line in [
        "listen = \"127.0.0.1:2\"  # flag".to_owned(),
        "space = \"told\"  # environment EIP_SPACE".to_owned(),
        format!("kafka_properties = \"********\"  {}", at(2)),
        format!("datasets = {{ \"olist\" = \"/data\" }}  {}", at(4)),
        format!("limits.body_timeout = \"5s\"  {}", at(7)),
        "limits.header_timeout = \"10s\"  # default".to_owned(),
        "limits.max_rows = 7  # environment EIP_INGEST_MAX_ROWS".to_owned(),
        "redis = \"********\"  # environment EIP_REDIS".to_owned(),
        "# postgres is not set".to_owned(),
    ] {
        assert!(
            printed.lines().any(|printed| printed == line),
            "{line}\n{printed}"
        );
    }
    assert!(
        printed.contains("# environment EIP_POSTGRES_FILE"),
        "{printed}"
    );
    assert!(!printed.contains("hidden"), "{printed}");
    assert!(!eip.state().exists(), "printing makes nothing");
}

#[test]
fn a_comma_in_a_path_is_the_paths_wherever_it_is_given() {
    let eip = Eip::new();
    let file = write(
        &eip,
        "ingest.toml",
        "[datasets]\na = \"/d,1\"\nb = \"/d,b=2\"\n[rules]\nr = \"/r,1\"\n",
    );
    let datasets = "datasets = { \"a\" = \"/d,1\", \"b\" = \"/d,b=2\" }";
    let printed = |change: &dyn Fn(&mut Command)| {
        let mut command = eip.command(["ingest", "--print-config"]);
        change(&mut command);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        text(&output)
    };
    let filed = printed(&|command| {
        command.arg("--config").arg(&file);
    });
    assert!(filed.contains(datasets), "{filed}");
    let flagged = printed(&|command| {
        command.args(["--dataset", "a=/d,1", "--dataset", "b=/d,b=2"]);
        command.args(["--rules", "r=/r,1"]);
    });
    assert!(
        flagged.contains(&format!("{datasets}  # flag")),
        "{flagged}"
    );
    assert!(
        flagged.contains("rules = { \"r\" = \"/r,1\" }  # flag"),
        "{flagged}"
    );
    let told = printed(&|command| {
        command.env("EIP_INGEST_DATASETS", "a=/d,1,b=/d,2");
        command.env("EIP_INGEST_RULES", "r=/r,1");
    });
    let wanted = "datasets = { \"a\" = \"/d,1\", \"b\" = \"/d,2\" }  # environment";
    assert!(told.contains(wanted), "{told}");
    assert!(
        told.contains("rules = { \"r\" = \"/r,1\" }  # environment"),
        "{told}"
    );

    // And it is served from there.
    let data = generate(&eip.path("a,b=c"), 50, 1);
    let mut command = eip.command(["ingest"]);
    command
        .arg("--dataset")
        .arg(format!("olist={}", data.display()));
    let service = Service::start(command);
    let listed = http("GET", &format!("{}/v1/datasets", service.address), "");
    assert!(listed.contains("\"complete\":true"), "{listed}");
    let refused = eip.run(["ingest", "--dataset", "/d,1"]);
    assert!(
        refused.err.contains("\"/d,1\" is not NAME=PATH"),
        "{}",
        refused.err
    );
}

#[test]
fn a_file_with_a_key_that_is_none_is_refused_with_its_line() {
    let eip = Eip::new();
    let file = write(
        &eip,
        "ingest.toml",
        "listen = \"127.0.0.1:0\"\n\nlisten_on = 1\n",
    );
    let output = eip
        .command(["ingest", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    let printed = text(&output);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    let place = format!("{}:3: unknown key listen_on", file.display());
    assert!(printed.contains(&place), "{printed}");
}

#[test]
fn a_new_token_opens_the_service_that_knows_its_hash_and_is_in_no_log() {
    let eip = Eip::new();
    let (old, old_hash) = new_token(&eip);
    let (new, new_hash) = new_token(&eip);
    let (other, _) = new_token(&eip);
    let file = write(
        &eip,
        "ingest.toml",
        &format!(
            "[tokens.airflow]\nrole = \"replay\"\nsha256 = [\"{old_hash}\", \"{new_hash}\"]\n"
        ),
    );
    let mut command = eip.command(["ingest", "--log", "trace", "--config"]);
    command.arg(&file);
    let service = Service::start(command);
    assert_eq!(service.status(Some(&old)), 200);
    assert_eq!(service.status(Some(&new)), 200);
    assert_eq!(service.status(Some(&other)), 401);
    assert_eq!(service.status(None), 401);
    let log = service.stop();
    assert!(log.contains("answered"), "{log}");
    for secret in [&old, &new, &other, &old_hash, &new_hash] {
        assert!(!log.contains(secret.as_str()), "{log}");
    }

    let tokens = write(&eip, "tokens", &format!("airflow:read:{new_hash}\n"));
    let mut command = eip.command(["ingest"]);
    command.env("EIP_INGEST_TOKENS_FILE", tokens);
    let service = Service::start(command);
    assert_eq!(service.status(Some(&new)), 200);
    assert_eq!(service.status(Some(&old)), 401);
}

#[test]
fn an_address_that_instances_cannot_pass_requests_on_to_is_refused_at_the_start() {
    let eip = Eip::new();
    for url in ["https://ingest-1:8080", "ingest-1:8080"] {
        let ran = eip.run(["ingest", "--advertise", url]);
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        let why = format!("{url:?} cannot be advertised: it is no http://host:port URL");
        assert!(ran.err.contains(&why), "{}", ran.err);
    }
}

#[test]
fn without_tokens_only_loopback_is_listened_on_and_it_says_so() {
    let eip = Eip::new();
    let output = eip
        .command(["ingest", "--listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let why = text(&output);
    assert!(why.contains("without tokens ingest listens on"), "{why}");

    let service = Service::start(eip.command(["ingest"]));
    assert_eq!(service.status(None), 200);
    assert!(service.stop().contains("no tokens"));
}
