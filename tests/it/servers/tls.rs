//! Servers that speak TLS: whoever trusts their authority works with them end to end, and a
//! certificate that proves nothing is refused by every client with the reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::embedded;
use crate::support::{Eip, generate};

/// Servers of one kind of certificate, in a folder of their own.
struct Secured {
    folder: TempDir,
    exports: BTreeMap<String, String>,
}

impl Secured {
    fn start(kind: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let up = [
            "up",
            "--only",
            "kafka,elasticsearch,postgres,redis",
            "--tls",
            kind,
        ];
        services(folder.path(), &up);
        let exports = services(folder.path(), &["env"]);
        let pairs = exports.lines().filter_map(|line| {
            let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
            // Quoted for a shell, with backslashes.
            Some((name.to_owned(), value.replace('\\', "")))
        });
        Self {
            exports: pairs.collect(),
            folder,
        }
    }

    fn export(&self, name: &str) -> String {
        self.exports[name].clone()
    }

    /// A space of its own, whose clients trust this authority.
    fn space(&self, authority: &str) -> Eip {
        let trusting = |name| self.export(name).replace("ca.pem", authority);
        Eip::on([
            ("EIP_KAFKA", self.export("EIP_KAFKA")),
            ("EIP_ELASTICSEARCH", self.export("EIP_ELASTICSEARCH")),
            ("EIP_POSTGRES", trusting("EIP_POSTGRES")),
        ])
        .with("EIP_KAFKA_PROPERTIES", trusting("EIP_KAFKA_PROPERTIES"))
        .with("EIP_ELASTICSEARCH_CA", trusting("EIP_ELASTICSEARCH_CA"))
        .with("EIP_REDIS", self.export("EIP_REDIS"))
        .with("EIP_REDIS_CA", trusting("EIP_REDIS_CA"))
    }

    /// What each of the four clients must say of the certificate; OpenSSL, which Kafka's has, may
    /// say no more than that it could not be verified.
    fn assert_refused(&self, authority: &str, words: &[&str]) {
        let eip = self.space(authority);
        let ran = eip.run(["doctor"]);
        assert_ne!(ran.code, Some(0), "{}", ran.out);
        // Its own words, not what a client library logs beside them.
        let said = ran.out.to_lowercase();
        for server in ["kafka", "elasticsearch", "postgres", "redis"] {
            let told = said.lines().any(|line| {
                line.contains(server)
                    && line.contains("certificate")
                    && (line.contains("verify failed")
                        || words.iter().any(|word| line.contains(word)))
            });
            assert!(told, "{server}: none of {words:?} in\n{said}");
        }
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        // A test that fails already must not abort the program.
        let _ = script(self.folder.path(), &["wipe"]).status();
    }
}

fn script(folder: &Path, words: &[&str]) -> Command {
    let script: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("dev/services");
    let mut command = Command::new(script);
    command.args(words).arg("--dir").arg(folder);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

fn services(folder: &Path, words: &[&str]) -> String {
    // A file, not a pipe: what it starts must not hold one of ours open.
    let printed = folder.join("printed");
    let mut command = script(folder, words);
    command.stdout(std::fs::File::create(&printed).unwrap());
    assert!(
        command.status().unwrap().success(),
        "dev/services {words:?}"
    );
    std::fs::read_to_string(printed).unwrap()
}

#[test]
fn a_trusted_authority_works_end_to_end_and_another_is_refused() {
    let secured = Secured::start("good");
    let eip = secured.space("ca.pem");
    let data = generate(&eip.path(""), 300, 95);
    eip.fast(&data).ok();
    assert_eq!(eip.digests(), embedded(&data));
    eip.verify();
    eip.run(["doctor"]).ok();
    secured.assert_refused("other-ca.pem", &["unknown", "issuer"]);
}

#[test]
fn an_expired_certificate_is_refused_as_expired() {
    Secured::start("expired").assert_refused("ca.pem", &["expired"]);
}

#[test]
fn a_certificate_of_another_host_is_refused_as_such() {
    let words = ["host", "name", "mismatch", "not valid for"];
    Secured::start("wrong-host").assert_refused("ca.pem", &words);
}
