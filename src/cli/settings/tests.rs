//! Laws of the settings, on a small command.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

use super::Layered;
use super::print::Setting;

fn command() -> Command {
    let port = clap::value_parser!(u16);
    let arg = |name: &'static str| Arg::new(name).long(name.replace('_', "-"));
    let serve = Command::new("serve")
        .arg(arg("config").value_parser(clap::value_parser!(std::path::PathBuf)))
        .arg(arg("port").value_parser(port).required(true))
        .arg(arg("label").default_value("plain"))
        .arg(
            arg("secret")
                .hide_env_values(true)
                .conflicts_with("secret_file"),
        )
        .arg(arg("secret_file"))
        .arg(
            Arg::new("datasets")
                .long("dataset")
                .action(ArgAction::Append),
        )
        .arg(
            arg("tokens")
                .hide_env_values(true)
                .action(ArgAction::Append),
        )
        .arg(
            arg("max_rows")
                .value_parser(clap::value_parser!(u64))
                .help_heading("Limits"),
        );
    Command::new("eip").subcommand(serve)
}

/// The settings as they are printed.
fn settings(file: &str, flags: &[&str]) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("eip.toml");
    std::fs::write(&path, file).unwrap();
    let own = ["eip", "serve", "--config", path.to_str().unwrap()];
    let all = own.into_iter().chain(flags.iter().copied());
    let all: Vec<OsString> = all.map(OsString::from).collect();
    let mut command = command();
    let short = |text: String| text.replace(path.to_str().unwrap(), "eip.toml");
    let layered = Layered::new(&mut command, "serve", "EIP_TEST_UNSET_", &all)
        .map_err(|error| short(format!("{error:#}")))?;
    let matches = command
        .try_get_matches_from_mut(&all)
        .map_err(|error| short(error.to_string()))?;
    let settings = layered.settings(&command, &matches);
    Ok(settings.iter().map(Setting::to_string).map(short).collect())
}

const FILE: &str = r#"
port = 8_080
secret = "from the file"

[datasets]
olist = "/data"
half = "/half"

[limits]
max_rows = 5

[tokens.ops]
role = "admin"
sha256 = ["aa", "bb"]
"#;

#[test]
fn what_a_flag_gives_goes_before_what_the_file_gives() {
    let printed = settings(FILE, &["--dataset", "other=/o", "--port", "1"]).unwrap();
    let expected = [
        "datasets = { \"other\" = \"/o\" }  # flag",
        "label = \"plain\"  # default",
        "limits.max_rows = 5  # file eip.toml:10",
        "port = 1  # flag",
        "secret = \"********\"  # file eip.toml:3",
        "# secret_file is not set",
        "tokens = \"********\"  # file eip.toml:12",
    ];
    assert_eq!(printed, expected);
    let printed = settings(FILE, &[]).unwrap();
    assert!(
        printed.contains(&"port = 8080  # file eip.toml:2".to_owned()),
        "{printed:?}"
    );
    let both = "datasets = { \"half\" = \"/half\", \"olist\" = \"/data\" }  # file eip.toml:5";
    assert!(printed.contains(&both.to_owned()), "{printed:?}");
}

#[test]
fn a_secret_in_one_form_goes_before_the_same_in_the_other_form_below() {
    let printed = settings(FILE, &["--secret-file", "/run/secret"]).unwrap();
    assert!(
        printed.contains(&"# secret is not set".to_owned()),
        "{printed:?}"
    );
    let other = "secret_file = \"/run/secret\"  # flag".to_owned();
    assert!(printed.contains(&other), "{printed:?}");
    assert!(settings(FILE, &["--secret", "a", "--secret-file", "b"]).is_err());
}

#[test]
fn what_the_file_cannot_say_is_refused_with_its_line_and_without_secrets() {
    for (file, why) in [
        (
            "port = 1\nprt = 2",
            "eip.toml:2: unknown key prt; known are port, label",
        ),
        ("[limits]\nport = 1", "eip.toml:2: unknown key limits.port"),
        ("config = \"x\"", "eip.toml:1: unknown key config"),
        (
            "\n\nport = 70_000",
            "eip.toml:3: port: 70000: 70000 is not in",
        ),
        ("port = [1]", "eip.toml:1: port is a list"),
        ("port = 1\nport = 2", "eip.toml:2: not TOML: duplicate key"),
        ("port = 1\nsecret = \"hidden", "eip.toml:2: not TOML"),
        (
            "[tokens.ops]\nrole = \"hidden\"",
            "eip.toml:1: tokens ops needs the keys role and sha256",
        ),
        ("port = 1979-05-27", "eip.toml:1: port is not a text"),
    ] {
        let error = settings(file, &[]).unwrap_err();
        assert!(error.starts_with(why), "{file:?}: {error}");
        assert!(!error.contains("hidden"), "{error}");
    }
}
