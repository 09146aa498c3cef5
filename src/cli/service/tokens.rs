//! Tokens as the command line has them: `NAME:ROLE:SHA256[+SHA256]`.

use std::path::Path;

use anyhow::{Context as _, ensure};
use eip_http::Tokens;

/// The tokens that are given, or those of the file, one a line; empty lines and `#` are left out.
/// No error shows what was given: it may be a token where its hash belongs.
pub(super) fn read(given: &[String], file: Option<&Path>) -> anyhow::Result<Tokens> {
    let mut tokens = Tokens::default();
    for (place, text) in (1..).zip(given) {
        add(&mut tokens, text).with_context(|| format!("--token, number {place}"))?;
    }
    let Some(file) = file.filter(|_| given.is_empty()) else {
        return Ok(tokens);
    };
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the tokens in {}", file.display()))?;
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if !text.is_empty() && !text.starts_with('#') {
            add(&mut tokens, text).with_context(|| format!("{}:{line}", file.display()))?;
        }
    }
    ensure!(
        !tokens.is_empty(),
        "there is no token in {}",
        file.display()
    );
    Ok(tokens)
}

fn add(tokens: &mut Tokens, text: &str) -> anyhow::Result<()> {
    let mut parts = text.splitn(3, ':');
    let (Some(name), Some(role), Some(hashes)) = (parts.next(), parts.next(), parts.next()) else {
        anyhow::bail!("a token is given as NAME:ROLE:SHA256");
    };
    let hashes: Vec<&str> = hashes.split('+').collect();
    Ok(tokens.add(name, role.parse()?, &hashes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eip_http::token_sha256;

    #[test]
    fn a_file_holds_a_token_a_line_and_no_error_shows_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens");
        let [a, b, c] = ["a", "b", "c"].map(token_sha256);
        std::fs::write(
            &file,
            format!("# ours\n\nairflow:replay:{a}+{b}\nops:admin:{c}\n"),
        )
        .unwrap();
        assert!(!read(&[], Some(&file)).unwrap().is_empty());
        for (text, why) in [
            ("", "there is no token"),
            ("secret", "NAME:ROLE:SHA256"),
            ("x:read:secret", "64 hex digits"),
            ("x:read:secret+secret+secret", "3 hashes"),
        ] {
            std::fs::write(&file, text).unwrap();
            let error = format!("{:#}", read(&[], Some(&file)).unwrap_err());
            assert!(error.contains(why) && !error.contains("secret"), "{error}");
        }
    }
}
