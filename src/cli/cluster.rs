//! `eip cluster`: launches the processes of one dataflow on this host and watches over them.
//!
//! They share a secret that is made anew each time, their output comes with a prefix, and they live
//! and end together: when one dies, the others are stopped, and the exit code and the last line
//! name it.

use std::io::{BufRead as _, BufReader, Read};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use rustix::process::{Pid, Signal, kill_process};

use super::Exit;
use super::chain::{ChainArgs, Workers};
use super::dataflow::check_several;
use crate::interrupt;
use crate::text::hex;

/// Between two looks at the processes.
const LOOK: Duration = Duration::from_millis(50);
/// How long the others may take to end by themselves.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Args)]
pub(crate) struct Cluster {
    /// Processes of the dataflow.
    #[arg(long, value_name = "N", default_value_t = 2,
          value_parser = clap::value_parser!(u16).range(1..=64))]
    processes: u16,
    #[command(flatten)]
    workers: Workers,
    #[command(flatten)]
    chain: ChainArgs,
    /// Where each process listens: a line `host:port` each; without it, free ports of this host.
    #[arg(long, value_name = "FILE")]
    hosts: Option<PathBuf>,
    /// End when the views hold everything that the log held at the start.
    #[arg(long)]
    until_caught_up: bool,
    /// Serve `/readyz` and `/metrics` of process 0 here.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<std::net::SocketAddr>,
}

/// One process and where its output goes.
struct Member {
    number: u16,
    child: Child,
    printers: Vec<std::thread::JoinHandle<()>>,
}

impl Cluster {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        check_several(&self.chain.chain()?)?;
        let folder = tempfile::tempdir().context("cannot make a folder for the hosts file")?;
        let hosts = if let Some(hosts) = &self.hosts {
            hosts.clone()
        } else {
            let file = folder.path().join("hosts");
            std::fs::write(&file, free_addresses(self.processes)?)
                .context("cannot write the hosts file")?;
            file
        };
        let secret = secret()?;
        let stop = interrupt::token();
        let mut members = Vec::new();
        for number in 0..self.processes {
            members.push(self.launch(number, &hosts, &secret)?);
        }
        let pids: Vec<String> = members
            .iter()
            .map(|member| format!("p{} is pid {}", member.number, member.child.id()))
            .collect();
        err!("{}", pids.join(", "));
        let ended = watch(&mut members, || stop.is_cancelled());
        for member in members {
            for printer in member.printers {
                // It has printed all that it could.
                let _ = printer.join();
            }
        }
        match ended? {
            None => Ok(Exit::Done),
            Some((number, status)) => {
                err!("error: process {number} ended first ({status}); all others were stopped");
                Ok(Exit::Failed)
            }
        }
    }

    fn launch(&self, number: u16, hosts: &PathBuf, secret: &str) -> anyhow::Result<Member> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut command = Command::new(program);
        command
            .arg("dataflow")
            .args(["--workers", &self.workers.count().to_string()])
            .args(["--processes", &self.processes.to_string()])
            .args(["--process", &number.to_string()])
            .arg("--hosts")
            .arg(hosts)
            .envs(self.chain.as_environment())
            .env("EIP_CLUSTER_SECRET", secret)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.until_caught_up {
            command.arg("--until-caught-up");
        }
        if let Some(listen) = self.listen.filter(|_| number == 0) {
            command.args(["--listen", &listen.to_string()]);
        }
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start process {number}"))?;
        let mut printers = Vec::new();
        if let Some(out) = child.stdout.take() {
            printers.push(print_lines(number, out, false)?);
        }
        if let Some(err) = child.stderr.take() {
            printers.push(print_lines(number, err, true)?);
        }
        Ok(Member {
            number,
            child,
            printers,
        })
    }
}

/// Waits until all have ended. Gives the one whose end made the others be stopped, if any.
fn watch(
    members: &mut [Member],
    is_asked: impl Fn() -> bool,
) -> anyhow::Result<Option<(u16, ExitStatus)>> {
    let mut passed_on = false;
    let mut first_dead = None;
    let mut kill_at: Option<Instant> = None;
    loop {
        let mut running = 0;
        for member in members.iter_mut() {
            match member.child.try_wait().context("cannot watch a process")? {
                Some(status) if !status.success() && first_dead.is_none() => {
                    first_dead = Some((member.number, status));
                }
                Some(_) => {}
                None => running += 1,
            }
        }
        if running == 0 {
            return Ok(first_dead);
        }
        if is_asked() && !passed_on {
            // Process 0 ends the dataflow for all of them.
            passed_on = true;
            signal(&members[0], Signal::TERM)?;
        }
        if first_dead.is_some() {
            match kill_at {
                None => {
                    kill_at = Some(Instant::now() + GRACE);
                    for member in members.iter() {
                        signal(member, Signal::TERM)?;
                    }
                }
                Some(at) if Instant::now() >= at => {
                    for member in members.iter() {
                        signal(member, Signal::KILL)?;
                    }
                }
                Some(_) => {}
            }
        }
        std::thread::sleep(LOOK);
    }
}

/// A process that has ended meanwhile is fine.
fn signal(member: &Member, signal: Signal) -> anyhow::Result<()> {
    let pid = i32::try_from(member.child.id())
        .ok()
        .and_then(Pid::from_raw);
    let pid = pid.context("a process has no id")?;
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error).context("cannot signal a process"),
    }
}

fn print_lines(
    number: u16,
    from: impl Read + Send + 'static,
    to_stderr: bool,
) -> anyhow::Result<std::thread::JoinHandle<()>> {
    let print = move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            if to_stderr {
                err!("[p{number}] {line}");
            } else {
                out!("[p{number}] {line}");
            }
        }
    };
    std::thread::Builder::new()
        .name(format!("eip-output-{number}"))
        .spawn(print)
        .context("cannot start a thread for a process's output")
}

/// Ports of this host that are free now.
fn free_addresses(processes: u16) -> anyhow::Result<String> {
    let listeners: Vec<TcpListener> = (0..processes)
        .map(|_| TcpListener::bind(("127.0.0.1", 0)))
        .collect::<Result<_, _>>()
        .context("cannot find free ports")?;
    let mut text = String::new();
    for listener in &listeners {
        text.push_str(&listener.local_addr()?.to_string());
        text.push('\n');
    }
    Ok(text)
}

fn secret() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .context("cannot make a secret")?;
    Ok(hex(&bytes))
}
