//! The token with which a command asks a service.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

/// Who asks.
#[derive(Args)]
pub(crate) struct Bearer {
    /// The bearer token for the service.
    #[arg(
        id = "bearer",
        long = "token",
        value_name = "TOKEN",
        env = "EIP_TOKEN",
        hide_env_values = true,
        conflicts_with = "bearer_file"
    )]
    token: Option<String>,
    /// The file with the bearer token for the service.
    #[arg(
        id = "bearer_file",
        long = "token-file",
        value_name = "FILE",
        env = "EIP_TOKEN_FILE"
    )]
    file: Option<PathBuf>,
}

impl Bearer {
    /// The token, where one is given.
    pub(crate) fn token(&self) -> anyhow::Result<Option<String>> {
        let token = match &self.file {
            None => self.token.clone(),
            Some(file) => Some(
                std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read the token in {}", file.display()))?,
            ),
        };
        Ok(token.map(|token| token.trim().to_owned()))
    }
}
