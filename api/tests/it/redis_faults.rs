//! Redis at fault: answers are right, and come about as fast as without it.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use eip_api::{CacheConfig, RedisConfig};
use eip_test_servers::Private;
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, RedisResult};

use crate::support::{Answer, Api, send};

/// Different questions a fault is looked at with.
const QUESTIONS: usize = 150;

/// Redis of one test, and an API whose answers it keeps.
struct Faulty {
    redis: Private,
    url: String,
    api: Api,
    tick: i64,
}

impl Faulty {
    async fn start() -> Self {
        let redis = Private::start(&["redis"]);
        let url = redis.address("redis");
        let api = Api::on_servers();
        api.make_tables().await;
        api.delivered_order("a-1").await;
        api.row("2018-03-01", "SP", "RJ", 3, 1).await;
        let this = Self {
            redis,
            url,
            api,
            tick: 1_700,
        };
        this.write_tick().await;
        this
    }

    async fn write_tick(&self) {
        self.api.set_progress(2, self.tick, &[5, 0]).await;
        self.api.make_visible(self.tick).await;
    }

    /// An API as another process has it: nothing is kept in its memory yet.
    fn process(&self) -> Router {
        let cache = CacheConfig::Redis(RedisConfig::new(&*self.url));
        self.api.another(|config| config.cache = cache)
    }

    /// One that asks the stores for everything.
    fn uncached(&self) -> Router {
        self.api
            .another(|config| config.keep = Duration::from_nanos(1))
    }

    async fn connection(&self) -> MultiplexedConnection {
        let client = redis::Client::open(&*self.url).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// The names under which answers are kept.
    async fn names(&self) -> Vec<String> {
        let mut connection = self.connection().await;
        connection.keys("eip:*:api:*").await.unwrap()
    }

    /// Asks all questions, `process` and the stores in turns, and compares; prints how long both took.
    async fn compare(&self, fault: &str, process: &Router) {
        let uncached = self.uncached();
        let (mut cached, mut bare) = (Vec::new(), Vec::new());
        for number in 0..QUESTIONS {
            let path = match number % 3 {
                0 => format!("/v1/routes/stats?limit={}", number + 1),
                1 => format!("/v1/shipments?limit={}", number + 1),
                _ => format!("/v1/overview?days={}", number + 1),
            };
            let (right, took) = timed(&uncached, &path).await;
            bare.push(took);
            let (answer, took) = timed(process, &path).await;
            cached.push(took);
            assert_eq!(answer.status, 200, "{fault}: {path}: {}", answer.text);
            assert_eq!(answer.content(), right.content(), "{fault}: {path}");
            assert_eq!(
                answer.header("etag"),
                right.header("etag"),
                "{fault}: {path}"
            );
            assert_eq!(
                answer.json()["as_of"],
                right.json()["as_of"],
                "{fault}: {path}"
            );
        }
        let [cached, bare] = [cached, bare].map(p99);
        println!("redis {fault}: p99 {cached:?}, uncached {bare:?}");
    }

    /// After the fault Redis is used again: what one process was answered, another finds.
    async fn is_back(&mut self) {
        self.tick += 1;
        self.write_tick().await;
        let process = self.process();
        let begun = Instant::now();
        loop {
            timed(&process, "/v1/routes/stats").await;
            if counted(&self.process(), "hits").await == 1 {
                return;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "Redis is not used again"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.tick += 1;
            self.write_tick().await;
        }
    }
}

async fn timed(router: &Router, path: &str) -> (Answer, Duration) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let begun = Instant::now();
    let answer = send(router.clone(), request).await;
    (answer, begun.elapsed())
}

fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() * 99 / 100]
}

/// Asks once, and reads a counter of the cache.
async fn counted(router: &Router, counter: &str) -> u64 {
    timed(router, "/v1/routes/stats").await;
    count(router, counter).await
}

async fn count(router: &Router, counter: &str) -> u64 {
    let (metrics, _) = timed(router, "/metrics").await;
    let name = format!("eip_api_cache_{counter}_total ");
    let mut lines = metrics.text.lines();
    let count = lines.find_map(|line| line.strip_prefix(&*name)).unwrap();
    count.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_at_fault_costs_time_only() {
    let mut faulty = Faulty::start().await;
    let process = faulty.process();
    faulty.compare("well", &process).await;
    assert_eq!(faulty.names().await.len(), QUESTIONS);
    faulty.compare("well, from Redis", &faulty.process()).await;

    // Killed, while it is used.
    faulty.tick += 1;
    faulty.write_tick().await;
    faulty.redis.kill("redis");
    faulty.compare("killed", &process).await;
    faulty
        .compare("killed before the API started", &faulty.process())
        .await;
    assert!(count(&process, "failures").await > 0);
    faulty.redis.restart("redis");
    faulty.is_back().await;

    // Hung for 5 s.
    let process = faulty.process();
    timed(&process, "/v1/routes/stats").await;
    faulty.redis.pause("redis");
    let hung = Instant::now();
    while hung.elapsed() < Duration::from_secs(5) {
        faulty.tick += 1;
        faulty.write_tick().await;
        faulty.compare("hung", &process).await;
    }
    faulty.redis.resume("redis");
    faulty.is_back().await;

    // Flushed, between any two questions.
    let mut connection = faulty.connection().await;
    let process = faulty.process();
    faulty.compare("before it is flushed", &process).await;
    let () = redis::cmd("FLUSHALL")
        .query_async(&mut connection)
        .await
        .unwrap();
    faulty.compare("flushed", &process).await;
    faulty
        .compare("flushed, another process", &faulty.process())
        .await;

    // Full: it keeps nothing more, and throws nothing out.
    for (name, value) in [("maxmemory", "1mb"), ("maxmemory-policy", "noeviction")] {
        let mut set = redis::cmd("CONFIG");
        let () = set
            .arg("SET")
            .arg(name)
            .arg(value)
            .query_async(&mut connection)
            .await
            .unwrap();
    }
    let junk = "x".repeat(100_000);
    for number in 0..1_000 {
        let put: RedisResult<()> = connection.set(format!("junk:{number}"), &junk).await;
        if put.is_err() {
            break;
        }
        assert!(number < 999, "it is never full");
    }
    faulty.tick += 1;
    faulty.write_tick().await;
    let process = faulty.process();
    faulty.compare("full", &process).await;
    assert!(count(&process, "failures").await > 0);
    let mut set = redis::cmd("CONFIG");
    let () = set
        .arg("SET")
        .arg("maxmemory")
        .arg("0")
        .query_async(&mut connection)
        .await
        .unwrap();
    faulty.is_back().await;
}

#[tokio::test]
async fn garbage_under_the_names_of_answers_is_none() {
    let faulty = Faulty::start().await;
    faulty.compare("well", &faulty.process()).await;
    let names = faulty.names().await;
    assert_eq!(names.len(), QUESTIONS);
    let mut connection = faulty.connection().await;
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for name in &names {
        kept.push(connection.get(name).await.unwrap());
    }
    for (number, name) in names.iter().enumerate() {
        let own = &kept[number];
        let garbage: Vec<u8> = match number % 8 {
            0 => Vec::new(),
            1 => b"{\"shipments\":[],\"total\":{\"value\":0,\"relation\":\"eq\"}}".to_vec(),
            2 => vec![0xff; 5_000],
            // Another question's answer.
            3 => kept[(number + 1) % kept.len()].clone(),
            4 => own[..own.len() - 1].to_vec(),
            5 => [&own[..], b" "].concat(),
            6 => {
                let mut flipped = own.clone();
                let at = own.len() / 2;
                flipped[at] ^= 1;
                flipped
            }
            _ => {
                let () = connection.del(name).await.unwrap();
                let () = connection.lpush(name, "a list").await.unwrap();
                continue;
            }
        };
        let () = connection.set(name, garbage).await.unwrap();
    }
    let process = faulty.process();
    faulty.compare("holding garbage", &process).await;
    assert!(count(&process, "refused").await > 0);
    // It was replaced by the answers.
    let next = faulty.process();
    faulty.compare("after garbage", &next).await;
    // A Redis that is slow for a moment, on a busy machine, is not asked for a while.
    let was_asked = count(&process, "failures").await + count(&next, "failures").await == 0;
    if was_asked {
        assert_eq!(count(&process, "refused").await, QUESTIONS as u64);
        assert_eq!(count(&next, "refused").await, 0);
        assert_eq!(count(&next, "hits").await, QUESTIONS as u64);
    }
}
