//! `eip token`: tokens for the services, made where nobody else sees them.

use clap::{Args, Subcommand};
use eip_http::{Role, token_sha256};
use rand::Rng as _;

use super::Exit;
use crate::text::hex;

#[derive(Subcommand)]
pub(crate) enum Token {
    /// Print a new token, for its holder, and its hash, for the settings of `eip ingest` and
    /// `eip api`.
    New(New),
}

#[derive(Args)]
pub(crate) struct New {
    /// Whose it is; for the line to copy.
    #[arg(long, default_value = "NAME")]
    name: String,
    /// What it is good for: read, replay, approve or admin.
    #[arg(long, default_value_t = Role::Read)]
    role: Role,
}

impl Token {
    pub(crate) fn run(self) -> Exit {
        let Self::New(New { name, role }) = self;
        let mut bytes = [0_u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        let token = format!("eip_{}", hex(&bytes));
        let sha256 = token_sha256(&token);
        out!("token   {token}");
        out!("sha256  {sha256}");
        out!("");
        out!("[tokens.{name}]");
        out!("role = \"{role}\"");
        out!("sha256 = \"{sha256}\"");
        Exit::Done
    }
}
