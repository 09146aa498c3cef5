use super::*;

fn parse(text: &str) -> Result<Rules, String> {
    Rules::parse_toml(text, "spring").map_err(|e| e.to_string())
}

#[test]
fn what_is_left_out_has_its_default() {
    let rules = parse("version = 1").unwrap();
    assert_eq!(rules.assignment_delay_seconds(), 1_800);
    assert_eq!(rules.promise(), Promise::Instant);
    assert_eq!(rules.sha256(), Rules::default().sha256());
    assert_eq!(
        Rules::default().to_string(),
        "default (assignment_delay 30m, promise instant)"
    );
}

#[test]
fn a_delay_is_a_whole_number_and_a_unit_up_to_365_days() {
    for (text, seconds) in [
        ("0s", Some(0)),
        ("90s", Some(90)),
        ("30m", Some(1_800)),
        ("2h", Some(7_200)),
        ("007d", Some(7 * 86_400)),
        ("365d", Some(365 * 86_400)),
        ("366d", None),
        ("8761h", None),
        ("99999999999999999999s", None),
        ("9223372036854775807d", None),
        ("30", None),
        ("m", None),
        ("", None),
        ("-1m", None),
        ("+1m", None),
        ("1.5h", None),
        ("1 h", None),
        ("1H", None),
        ("1µ", None),
    ] {
        let found = parse(&format!("version = 1\nassignment_delay = \"{text}\""));
        assert_eq!(
            found.ok().map(|rules| rules.assignment_delay_seconds()),
            seconds,
            "{text}"
        );
    }
}

#[test]
fn equal_content_has_an_equal_hash_and_nothing_else_has() {
    let base = parse("version = 1\nassignment_delay = \"30m\"\npromise = \"instant\"").unwrap();
    let same = parse("# as ever\npromise = 'instant'\nassignment_delay = '1800s'\nversion = 1");
    assert_eq!(base.sha256(), same.unwrap().sha256());
    // The ledger keeps it: another hash for the same content would refuse running runs.
    assert_eq!(
        base.sha256(),
        "3819bc1f36a198cf60615846aaf5b98256122f08cf481901a17bcf3ab30ea54c"
    );
    for other in ["promise = \"end_of_day\"", "assignment_delay = \"31m\""] {
        assert_ne!(
            base.sha256(),
            parse(&format!("version = 1\n{other}")).unwrap().sha256()
        );
    }
    let end_of_day = base.with_promise(Promise::EndOfDay, "correction");
    assert_eq!(
        end_of_day.to_string(),
        "correction (assignment_delay 30m, promise end_of_day)"
    );
    assert_ne!(base.sha256(), end_of_day.sha256());
}

#[test]
fn what_is_not_known_is_refused_with_file_key_and_what_to_do() {
    insta::assert_snapshot!(parse("version = 2\nnew_rule = 1").unwrap_err(), @"rules spring: version 2 is not known here; write version = 1 or use the eip that the file was written for");
    insta::assert_snapshot!(parse("version = \"1\"").unwrap_err(), @r#"rules spring: version "1" is not known here; write version = 1 or use the eip that the file was written for"#);
    insta::assert_snapshot!(parse("promise = \"instant\"").unwrap_err(), @"rules spring: no version; write version = 1");
    insta::assert_snapshot!(parse("version = 1\nasignment_delay = \"1h\"").unwrap_err(), @"rules spring: unknown key asignment_delay; known are version, assignment_delay and promise");
    insta::assert_snapshot!(parse("version = 1\nassignment_delay = 30").unwrap_err(), @r#"rules spring: assignment_delay = 30 is no delay; write a whole number and s, m, h or d in quotes, like "30m", at most 365 days"#);
    insta::assert_snapshot!(parse("version = 1\npromise = \"noon\"").unwrap_err(), @r#"rules spring: promise = "noon" is not known; write "instant" or "end_of_day""#);
    insta::assert_snapshot!(parse("version = 1\nversion = 1").unwrap_err(), @"rules spring: not TOML on line 2: duplicate key");
    insta::assert_snapshot!(parse("\nversion = ").unwrap_err(), @"rules spring: not TOML on line 2: string values must be quoted, expected literal string");
}

#[test]
fn a_file_gives_its_stem_as_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("black-friday.toml");
    std::fs::write(&file, "version = 1\npromise = \"end_of_day\"\n").unwrap();
    let rules = Rules::load(&file).unwrap();
    assert_eq!(
        (rules.name(), rules.promise()),
        ("black-friday", Promise::EndOfDay)
    );
    let absent = Rules::load(&folder.path().join("absent.toml"))
        .unwrap_err()
        .to_string();
    assert!(absent.contains("absent.toml: cannot be read"), "{absent}");
}
