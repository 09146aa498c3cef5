//! The Ingest that requests about replays are passed on to.

/// Where Ingest is.
#[derive(Clone, Debug)]
pub(crate) struct Ingest {
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
}

impl Ingest {
    /// Ingest at this address; nothing is asked yet.
    pub(crate) fn at(url: &str) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            // A redirect would lead the caller's token elsewhere.
            client: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap_or_default(),
        }
    }
}
