//! The start of a job in several processes: they find each other and agree on the pipeline.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Cluster, ClusterError, Loss, Reason, Wires, frame};

/// The time between two checks for connections.
const MOMENT: Duration = Duration::from_millis(20);

/// Time limit for the greeting of a peer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// The time between two messages about missing processes.
const REPORT_INTERVAL: Duration = Duration::from_secs(2);

/// Maximum number of bytes of a greeting.
const GREETING: u32 = 16 << 20;

/// The program and its version. Only equal programs can work together.
const PROGRAM: &str = concat!("driftmill ", env!("CARGO_PKG_VERSION"));

/// The greeting of a process.
#[derive(Serialize, Deserialize)]
struct Greeting {
    /// The program and its version.
    program: String,
    process: usize,
    /// The purpose of the connection.
    wish: Wish,
}

#[derive(Serialize, Deserialize)]
enum Wish {
    /// To take part. The data is for process 0.
    Join(Vec<u8>),
    /// To be a connection for the dataflow, in the job of this name.
    Wire(String),
    /// To report the reason why the process does not take part after all.
    Leave(String),
}

/// The answer of process 0: the assignment, or the reason for the rejection.
type Answer = Result<Vec<u8>, String>;

/// The place where a process waits for others.
pub struct Rendezvous {
    cluster: Cluster,
    listener: TcpListener,
}

/// All other processes, connected to process 0.
pub struct Gathered {
    /// Sockets for links, starting with that of process 1.
    pub links: Vec<TcpStream>,
    /// Connections for the dataflow.
    pub wires: Wires,
}

/// The result for a process that was accepted.
pub struct Joined {
    /// The socket for the link to process 0.
    pub link: TcpStream,
    /// The assignment of process 0.
    pub given: Vec<u8>,
}

impl Rendezvous {
    /// Listens at this process's address.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn open(cluster: &Cluster) -> Result<Self, ClusterError> {
        let address = &cluster.addresses[cluster.process];
        let listener = TcpListener::bind(address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        let listener =
            listener.map_err(|source| ClusterError::Listen { address: address.clone(), source })?;
        Ok(Self { cluster: cluster.clone(), listener })
    }

    /// On process 0, accepts processes for which `take_in` returns an assignment, until all have joined,
    /// with connections for the dataflow of job `name`.
    pub fn gather(&self, name: &str, take_in: &dyn Fn(&[u8]) -> Answer) -> Gathered {
        let count = self.cluster.size();
        let mut links: Wires = (0..count).map(|_| None).collect();
        let mut wires: Wires = (0..count).map(|_| None).collect();
        let mut waiting = Waiting::default();
        loop {
            let missing = (1..count).find(|at| links[*at].is_none() || wires[*at].is_none());
            let Some(missing) = missing else { break };
            waiting.report(&self.cluster, missing);
            let Some((socket, greeting)) = self.greeted() else { continue };
            let process = greeting.process;
            match greeting.wish {
                Wish::Wire(job) => accept(&mut wires, process, socket, job == name),
                Wish::Leave(why) => {
                    tracing::warn!("{} cannot take part: {why}", self.cluster.name(process));
                    links.get_mut(process).map(Option::take);
                }
                Wish::Join(about) => {
                    let there = links.get(process).and_then(Option::as_ref).is_some_and(lives);
                    let answer = match process {
                        0 => Err("process 0 is already running".to_owned()),
                        _ if process >= count => Err(format!("there are {count} processes")),
                        _ if there => Err(format!("process {process} is already connected")),
                        _ if greeting.program != PROGRAM => {
                            Err(format!("process 0 runs {PROGRAM}"))
                        }
                        _ => take_in(&about),
                    };
                    if let Err(reason) = &answer {
                        tracing::warn!("{} was rejected: {reason}", self.cluster.name(process));
                    }
                    let answered = frame::write(&socket, &answer).is_ok();
                    accept(&mut links, process, socket, answered && answer.is_ok());
                }
            }
        }
        Gathered { links: links.into_iter().flatten().collect(), wires }
    }

    /// On another process, asks process 0 to be accepted.
    ///
    /// # Errors
    /// When process 0 rejects this process or ends.
    pub fn join(&self, about: Vec<u8>) -> Result<Joined, ClusterError> {
        let link = self.connect(0, Wish::Join(about))?;
        let answer = link.set_read_timeout(None).and_then(|()| frame::read::<Answer>(&link));
        let given = match answer {
            Ok(answer) => answer
                .map_err(|reason| ClusterError::Refused { name: self.cluster.name(0), reason })?,
            Err(_) => return Err(self.coordinator_lost()),
        };
        Ok(Joined { link, given })
    }

    /// On a process that was accepted, reports the reason why it does not take part after all.
    pub fn leave(&self, why: String) {
        if let Err(error) = self.connect(0, Wish::Leave(why)) {
            tracing::debug!(%error, "process 0 no longer waits");
        }
    }

    /// On a process that was accepted, connects with all others in job `name`.
    ///
    /// # Errors
    /// When process 0 ends, or a connection fails.
    pub fn connect_all(&self, name: &str, joined: &Joined) -> Result<Wires, ClusterError> {
        let (own, count) = (self.cluster.process, self.cluster.size());
        let mut wires: Wires = (0..count).map(|_| None).collect();
        for (process, wire) in wires.iter_mut().enumerate().take(own) {
            *wire = Some(self.connect(process, Wish::Wire(name.to_owned()))?);
        }
        let mut waiting = Waiting::default();
        while let Some(missing) = (own + 1..count).find(|at| wires[*at].is_none()) {
            if !lives(&joined.link) {
                return Err(self.coordinator_lost());
            }
            waiting.report(&self.cluster, missing);
            let Some((socket, greeting)) = self.greeted() else { continue };
            let ours = matches!(greeting.wish, Wish::Wire(job) if job == name);
            accept(&mut wires, greeting.process, socket, ours && greeting.process > own);
        }
        Ok(wires)
    }

    fn coordinator_lost(&self) -> ClusterError {
        self.cluster.lost(Loss { process: 0, reason: Reason::Disconnected })
    }

    /// Connects to a process as soon as it listens.
    fn connect(&self, process: usize, wish: Wish) -> Result<TcpStream, ClusterError> {
        let mut waiting = Waiting::default();
        let socket = loop {
            match TcpStream::connect(&self.cluster.addresses[process]) {
                Ok(socket) => break socket,
                Err(_) => waiting.report(&self.cluster, process),
            }
            std::thread::sleep(MOMENT);
        };
        let greeting =
            Greeting { program: PROGRAM.to_owned(), process: self.cluster.process, wish };
        let greeted = socket.set_nodelay(true).and_then(|()| frame::write(&socket, &greeting));
        greeted.map_err(ClusterError::io(self.cluster.name(process)))?;
        Ok(socket)
    }

    /// The next connection, if there is one.
    fn greeted(&self) -> Option<(TcpStream, Greeting)> {
        let Ok((socket, address)) = self.listener.accept() else {
            std::thread::sleep(MOMENT);
            return None;
        };
        let settings = socket
            .set_nonblocking(false)
            .and_then(|()| socket.set_nodelay(true))
            .and_then(|()| socket.set_read_timeout(Some(ANSWER_LIMIT)));
        match settings.and_then(|()| frame::read_at_most(GREETING, &socket)) {
            Ok(greeting) => Some((socket, greeting)),
            Err(error) => {
                tracing::warn!(%address, %error, "rejected a connection that is not from this job");
                None
            }
        }
    }
}

/// Keeps a connection. A newer one replaces an older one, whose process has died.
fn accept(all: &mut Wires, process: usize, socket: TcpStream, wanted: bool) {
    if let Some(slot) = all.get_mut(process).filter(|_| wanted) {
        drop(socket.set_read_timeout(None));
        *slot = Some(socket);
    }
}

/// Whether the peer still has the connection open. It must not have sent anything.
fn lives(socket: &TcpStream) -> bool {
    let peeked = socket.set_nonblocking(true).and_then(|()| socket.peek(&mut [0]));
    let blocking = socket.set_nonblocking(false).is_ok();
    let waits = matches!(&peeked, Err(error) if error.kind() == ErrorKind::WouldBlock);
    blocking && (waits || matches!(peeked, Ok(1)))
}

/// Regularly reports the processes that are missing.
struct Waiting {
    last_report: Instant,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { last_report: Instant::now() }
    }
}

impl Waiting {
    fn report(&mut self, cluster: &Cluster, missing: usize) {
        if self.last_report.elapsed() > REPORT_INTERVAL {
            tracing::info!("waiting for {}", cluster.name(missing));
            self.last_report = Instant::now() + REPORT_INTERVAL * 4;
        }
    }
}
