//! `eip deadletters`: records that were no canonical events, and documents that the document store
//! refused.

use anyhow::{Context as _, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use eip_stores::{RefusedDocument, ViewReader};
use eip_views::{VIEWS, View};

use super::Exit;
use super::chain::ChainArgs;
use crate::refused::{self, Which};
use crate::text::table;

/// Look at dead letters and refused documents.
#[derive(Subcommand)]
pub(crate) enum DeadLetters {
    /// List both kinds.
    List(List),
    /// Show one refused document with all that was sent, or the reason of one record.
    Show(One),
    /// Have refused documents sent again, by forgetting them and having the views repaired: what
    /// still stands is written, what is refused again is listed again.
    Retry(Several),
    /// Forget refused documents. What the log says of them stays unwritten until the next start.
    Drop(Several),
}

#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    chain: ChainArgs,
}

#[derive(Args)]
pub(crate) struct One {
    /// A view and an id, or `record`, a partition and an offset as `3:1200`.
    #[arg(value_name = "VIEW|record", value_parser = kinds())]
    kind: Kind,
    /// The document's id, or `PARTITION:OFFSET`.
    id: String,
    #[command(flatten)]
    chain: ChainArgs,
}

#[derive(Args)]
pub(crate) struct Several {
    /// Of which view; without it, of all.
    #[arg(long, value_parser = views())]
    view: Option<&'static View>,
    /// These ids; without them, all.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    chain: ChainArgs,
}

/// What is shown.
#[derive(Clone, Copy)]
enum Kind {
    /// A refused document of this view.
    Document(&'static View),
    /// A record.
    Record,
}

/// The names of the views that are kept as documents.
fn names() -> impl Iterator<Item = &'static str> {
    let documents = VIEWS.into_iter().filter(|view| view.is_documents());
    documents.map(|view| view.name)
}

fn views() -> impl TypedValueParser<Value = &'static View> {
    let names = PossibleValuesParser::new(names());
    names.map(|name| eip_views::view(&name).expect("one of the names"))
}

fn kinds() -> impl TypedValueParser<Value = Kind> {
    let names = PossibleValuesParser::new(names().chain(["record"]));
    names.map(|name| eip_views::view(&name).map_or(Kind::Record, Kind::Document))
}

impl DeadLetters {
    /// Whether output is all that it makes.
    pub(crate) fn only_prints(&self) -> bool {
        matches!(self, Self::List(_) | Self::Show(_))
    }

    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::List(command) => {
                out!("{}", list(&mut command.chain.chain()?.views()?)?);
            }
            Self::Show(command) => out!("{}", command.show()?),
            Self::Retry(command) => {
                out!("{} documents will be sent again", command.forget()?);
                out!("by `eip repair`, or by the next dataflow that starts");
            }
            Self::Drop(command) => out!("{} forgotten", command.forget()?),
        }
        Ok(Exit::Done)
    }
}

fn list(views: &mut ViewReader) -> anyhow::Result<String> {
    let letters = views.dead_letters()?.into_iter().map(|letter| {
        vec![
            "record".to_owned(),
            format!("{}:{}", letter.partition, letter.offset.0),
            letter.code,
            letter.reason,
        ]
    });
    let mut rows: Vec<_> = letters.collect();
    for refused in views.refused()? {
        let (kind, words) = refused.reason.split_once(": ").unwrap_or(("refused", ""));
        let (kind, words) = (kind.to_owned(), words.to_owned());
        rows.push(vec![refused.view.name.to_owned(), refused.id, kind, words]);
    }
    if rows.is_empty() {
        return Ok("no dead letters".to_owned());
    }
    Ok(table(&["kind", "where", "code", "reason"], 4, rows))
}

impl One {
    fn show(&self) -> anyhow::Result<String> {
        let mut views = self.chain.chain()?.views()?;
        let view = match self.kind {
            Kind::Record => {
                let letters = views.dead_letters()?;
                let found = letters
                    .into_iter()
                    .find(|letter| format!("{}:{}", letter.partition, letter.offset.0) == self.id)
                    .with_context(|| format!("no dead letter at {}", self.id))?;
                return Ok(format!("{}: {}", found.code, found.reason));
            }
            Kind::Document(view) => view,
        };
        let refused = views.refused()?;
        let found = refused
            .into_iter()
            .find(|refused| refused.view == view && refused.id == self.id)
            .with_context(|| format!("no refused document {} of {}", self.id, view.name))?;
        let RefusedDocument {
            version,
            doc,
            reason,
            ..
        } = found;
        let doc = doc.unwrap_or_else(|| "(a delete)".to_owned());
        Ok(format!("version {version}\n{reason}\n{doc}"))
    }
}

impl Several {
    /// Forgets what is meant; says how many.
    fn forget(&self) -> anyhow::Result<u64> {
        let chain = self.chain.chain()?;
        chain.servers()?;
        let which = Which {
            view: self.view,
            ids: self.ids.clone(),
        };
        let keys = refused::meant(&chain, &which)?;
        if keys.is_empty() && !self.ids.is_empty() {
            bail!("none of these is refused; `eip deadletters list` shows what is");
        }
        refused::forget(&chain, &keys)
    }
}
