//! `eip api` as a process of its own.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Eip, http};

/// `eip api` over a chain, until it is dropped.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
}

impl Served {
    pub(crate) fn start(eip: &Eip) -> Self {
        Self::start_with(eip, &[])
    }

    pub(crate) fn start_with(eip: &Eip, args: &[&str]) -> Self {
        Self::start_logging(eip, args, &eip.path("api.log"))
    }

    /// The same; what it logs goes into this file.
    pub(super) fn start_logging(eip: &Eip, args: &[&str], log: &Path) -> Self {
        let port_file = eip.path("api.port");
        let _ = fs::remove_file(&port_file);
        let child = eip
            .command(["api", "--listen", "127.0.0.1:0", "--port-file"])
            .arg(&port_file)
            .args(args)
            .stdout(Stdio::null())
            .stderr(fs::File::create(log).unwrap())
            .spawn()
            .unwrap();
        let url = String::new();
        let mut this = Self { child, url };
        let port = loop {
            match fs::read_to_string(&port_file) {
                Ok(port) if !port.trim().is_empty() => break port.trim().to_owned(),
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
            if let Some(ended) = this.child.try_wait().unwrap() {
                let said = fs::read_to_string(log).unwrap();
                panic!("eip api ended ({ended}) before it listened:\n{said}");
            }
        };
        this.url = format!("http://127.0.0.1:{port}");
        this
    }

    /// Of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Status and JSON of an answer, whatever it is.
    pub(crate) fn ask(&self, path: &str) -> (u16, Value) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let answer = reqwest::get(format!("{}{path}", self.url)).await.unwrap();
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            (status, serde_json::from_str(&text).unwrap())
        })
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        serde_json::from_str(&http("GET", &format!("{}{path}", self.url), "")).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
