//! `eip bench api`: how fast the API answers, beside the stores' own answers.
//!
//! Each of six questions is asked at a fixed rate, whether earlier ones have been answered or not (an
//! open loop), and the time counts from when it was due. In each round the same questions are put
//!
//! 1. to the stores, by the code that the API puts them with, without HTTP, JSON and cache;
//! 2. to the API, none twice, so that the cache has none of the answers;
//! 3. to the API, one all the time, so that the cache has it.
//!
//! The rounds follow one another in one run, and the medians over the rounds are compared.

mod load;
mod questions;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use eip_api::{ApiConfig, ViewsConfig};
use eip_stores::query::Queries;
use hdrhistogram::Histogram;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use load::{Load, open_loop};
use questions::{QUESTIONS, Question, Subject};

/// What is measured.
#[derive(Debug)]
pub struct ApiOptions {
    /// The API, over views that are written.
    pub config: ApiConfig,
    /// Questions a second that the cache does not have.
    pub rate: u32,
    /// Questions a second that it has.
    pub cached_rate: u32,
    /// How long each is asked in a round.
    pub seconds: u32,
    /// How often; the medians count.
    pub rounds: usize,
}

/// Measures and prints.
pub fn api(options: &ApiOptions) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shutdown = CancellationToken::new();
        let queries = queries(&options.config.views)?;
        let served = eip_api::run(listener, options.config.clone(), shutdown.clone());
        let measured = async {
            let result = measure(options, &queries, address).await;
            shutdown.cancel();
            result
        };
        let (served, measured) = tokio::join!(served, measured);
        queries.close().await;
        served?;
        measured
    })
}

fn queries(views: &ViewsConfig) -> anyhow::Result<Queries> {
    Ok(match views {
        ViewsConfig::Sqlite { root, space } => Queries::sqlite(&space.folder(root)),
        ViewsConfig::Servers {
            postgres,
            elasticsearch,
            elasticsearch_ca,
            space,
        } => Queries::servers(postgres, elasticsearch, elasticsearch_ca.clone(), space)?,
    })
}

/// The quantiles that are compared, in microseconds.
#[derive(Clone, Copy)]
struct Figures {
    p50: u64,
    p99: u64,
    p999: u64,
}

impl Figures {
    fn of(times: &Histogram<u64>) -> Self {
        Self {
            p50: times.value_at_quantile(0.5),
            p99: times.value_at_quantile(0.99),
            p999: times.value_at_quantile(0.999),
        }
    }

    /// The median of each over the rounds.
    fn median(rounds: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> u64| {
            let mut figures: Vec<u64> = rounds.iter().map(figure).collect();
            figures.sort_unstable();
            figures[figures.len() / 2]
        };
        Self {
            p50: of(|figures| figures.p50),
            p99: of(|figures| figures.p99),
            p999: of(|figures| figures.p999),
        }
    }
}

async fn measure(
    options: &ApiOptions,
    queries: &Queries,
    address: SocketAddr,
) -> anyhow::Result<()> {
    let subject = Subject::of(queries).await?;
    say!(
        "{} shipments; {} questions a second that the cache does not have, {} that it has; {} s each, \
         medians of {} rounds, milliseconds from the due time",
        subject.shipments,
        options.rate,
        options.cached_rate,
        options.seconds,
        options.rounds
    );
    say!(
        "{:<26}{:>28}{:>28}{:>28}  p50 of API / store",
        "",
        "store p50/p99/p99.9",
        "API p50/p99/p99.9",
        "cached p50/p99/p99.9"
    );
    let client = reqwest::Client::new();
    let url = format!("http://{address}");
    let lasting = Duration::from_secs(u64::from(options.seconds));
    for question in QUESTIONS {
        let (mut bare, mut asked, mut cached) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..options.rounds {
            let first = round * (options.rate * options.seconds) as usize;
            let load = Load {
                rate: options.rate,
                lasting,
            };
            let times = open_loop(load, |number| {
                let (queries, subject) = (queries.clone(), subject.clone());
                async move {
                    question
                        .ask_stores(&queries, &subject, first + number)
                        .await
                }
            });
            bare.push(Figures::of(&times.await?));
            let times = open_loop(load, |number| {
                get(&client, &url, question, &subject, first + number)
            });
            asked.push(Figures::of(&times.await?));
            let load = Load {
                rate: options.cached_rate,
                lasting,
            };
            get(&client, &url, question, &subject, first).await?;
            let times = open_loop(load, |_| get(&client, &url, question, &subject, first));
            cached.push(Figures::of(&times.await?));
        }
        let [bare, asked, cached] = [bare, asked, cached].map(|rounds| Figures::median(&rounds));
        say!(
            "{:<26}{:>28}{:>28}{:>28}  {:.2}",
            question.name(),
            text(bare),
            text(asked),
            text(cached),
            asked.p50 as f64 / bare.p50.max(1) as f64
        );
    }
    Ok(())
}

fn text(figures: Figures) -> String {
    let ms = |micros: u64| micros as f64 / 1e3;
    format!(
        "{:.2} / {:.2} / {:.2}",
        ms(figures.p50),
        ms(figures.p99),
        ms(figures.p999)
    )
}

/// Asks the API and reads its whole answer.
fn get(
    client: &reqwest::Client,
    url: &str,
    question: Question,
    subject: &Subject,
    number: usize,
) -> impl Future<Output = anyhow::Result<()>> + Send + 'static {
    let path = question.path(subject, number);
    let request = client.get(format!("{url}{path}"));
    async move {
        let answer = request.send().await.with_context(|| path.clone())?;
        let status = answer.status();
        let body = answer.bytes().await?;
        ensure!(
            status.is_success(),
            "{path}: {status}: {}",
            String::from_utf8_lossy(&body)
        );
        Ok(())
    }
}
