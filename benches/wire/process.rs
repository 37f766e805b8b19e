//! A server in a process of its own: this program, started again.
//!
//! So that its CPU time can be told from the client's, both have the same allocator and build, and neither can help the other.

use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::server::Flavour;
use crate::support::machine;

/// What a server process prints before its address, once it listens.
pub const LISTENING: &str = "listening ";

/// A running server; it ends with this value, and also when this process dies.
pub struct Server {
    pub address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts `--server <kind>` and waits until it listens. It inherits the cores of the calling thread.
    pub fn start(kind: &str, runtime: Flavour, orders: usize) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(env::current_exe()?)
            .args(["--server", kind, "--runtime", runtime.word()])
            .args(["--orders", &orders.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.as_mut() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let address = line.trim().strip_prefix(LISTENING).map(str::parse);
        match address {
            Some(Ok(address)) => Ok(Self { address, child }),
            _ => {
                child.kill()?;
                child.wait()?;
                Err(format!("server {kind} did not say where it listens, but {line:?}").into())
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// CPU time the server has used so far.
    pub fn cpu(&self) -> Duration {
        machine::process_cpu(self.pid()).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that is already gone is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In the server process: returns when the client is gone, because nobody writes to a server's standard input.
pub fn wait_for_the_client_to_end() {
    let mut ignored = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut ignored);
}
