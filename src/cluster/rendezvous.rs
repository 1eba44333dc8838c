//! How the processes of a job find each other and agree on what they run.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Cluster, ClusterError, Loss, Reason, Wires, frame};

/// The time between two checks for connections.
const MOMENT: Duration = Duration::from_millis(20);

/// How long a peer may take to send its greeting.
const PATIENCE: Duration = Duration::from_secs(5);

/// The time between two messages about missing processes.
const TOLD: Duration = Duration::from_secs(2);

/// Most bytes of a greeting.
const GREETING: u32 = 16 << 20;

/// Programs that understand each other.
const PROGRAM: &str = concat!("driftmill ", env!("CARGO_PKG_VERSION"));

/// The greeting of a process.
#[derive(Serialize, Deserialize)]
struct Greeting {
    /// Which program it is.
    program: String,
    process: usize,
    /// The purpose of the connection.
    wish: Wish,
}

#[derive(Serialize, Deserialize)]
enum Wish {
    /// To take part, with what process 0 has to know of it.
    Join(Vec<u8>),
    /// A wire for the dataflow, in the job of this name.
    Wire(String),
    /// To say why it does not take part after all.
    Leave(String),
}

/// The answer of process 0: the assignment, or why the process is rejected.
type Answer = Result<Vec<u8>, String>;

/// The place where a process waits for others.
pub struct Rendezvous {
    cluster: Cluster,
    listener: TcpListener,
}

/// All other processes, as process 0 has them.
pub struct Gathered {
    /// Sockets for links, by process, from process 1 on.
    pub links: Vec<TcpStream>,
    /// Wires for the dataflow.
    pub wires: Wires,
}

/// A process that was taken in.
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
    /// When it cannot be had.
    pub fn open(cluster: &Cluster) -> Result<Self, ClusterError> {
        let address = &cluster.addresses[cluster.process];
        let listener = TcpListener::bind(address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        let listener =
            listener.map_err(|source| ClusterError::Listen { address: address.clone(), source })?;
        Ok(Self { cluster: cluster.clone(), listener })
    }

    /// As process 0, takes in whom `take_in` gives what it needs, until all are there, with wires in
    /// the job `name`.
    pub fn gather(&self, name: &str, take_in: &dyn Fn(&[u8]) -> Answer) -> Gathered {
        let count = self.cluster.size();
        let mut links: Wires = (0..count).map(|_| None).collect();
        let mut wires: Wires = (0..count).map(|_| None).collect();
        let mut waiting = Waiting::default();
        loop {
            let missing = (1..count).find(|at| links[*at].is_none() || wires[*at].is_none());
            let Some(missing) = missing else { break };
            waiting.tell(&self.cluster, missing);
            let Some((socket, greeting)) = self.greeted() else { continue };
            let process = greeting.process;
            match greeting.wish {
                Wish::Wire(job) => accept(&mut wires, process, socket, job == name),
                Wish::Leave(why) => {
                    tracing::warn!("{} does not take part: {why}", self.cluster.name(process));
                    links.get_mut(process).map(Option::take);
                }
                Wish::Join(about) => {
                    let there = links.get(process).and_then(Option::as_ref).is_some_and(lives);
                    let answer = match process {
                        0 => Err("there is a process 0 already".to_owned()),
                        _ if process >= count => Err(format!("there are {count} processes")),
                        _ if there => Err(format!("there is a process {process} already")),
                        _ if greeting.program != PROGRAM => Err(format!("it is {PROGRAM}")),
                        _ => take_in(&about),
                    };
                    if let Err(reason) = &answer {
                        tracing::warn!("{} was refused: {reason}", self.cluster.name(process));
                    }
                    let told = frame::write(&socket, &answer).is_ok();
                    accept(&mut links, process, socket, told && answer.is_ok());
                }
            }
        }
        Gathered { links: links.into_iter().flatten().collect(), wires }
    }

    /// As another process, asks process 0 to be taken in.
    ///
    /// # Errors
    /// When it refuses, or goes away.
    pub fn join(&self, about: Vec<u8>) -> Result<Joined, ClusterError> {
        let link = self.connect(0, Wish::Join(about))?;
        let answer = link.set_read_timeout(None).and_then(|()| frame::read::<Answer>(&link));
        let given = match answer {
            Ok(answer) => answer
                .map_err(|reason| ClusterError::Refused { name: self.cluster.name(0), reason })?,
            Err(_) => return Err(self.gone()),
        };
        Ok(Joined { link, given })
    }

    /// As a process that was taken in, says why it does not take part after all.
    pub fn leave(&self, why: String) {
        if let Err(error) = self.connect(0, Wish::Leave(why)) {
            tracing::debug!(%error, "process 0 does not wait any more");
        }
    }

    /// As a process that was taken in, connects with all others in the job `name`.
    ///
    /// # Errors
    /// When process 0 goes away, or the system refuses.
    pub fn connect_all(&self, name: &str, joined: &Joined) -> Result<Wires, ClusterError> {
        let (own, count) = (self.cluster.process, self.cluster.size());
        let mut wires: Wires = (0..count).map(|_| None).collect();
        for (process, wire) in wires.iter_mut().enumerate().take(own) {
            *wire = Some(self.connect(process, Wish::Wire(name.to_owned()))?);
        }
        let mut waiting = Waiting::default();
        while let Some(missing) = (own + 1..count).find(|at| wires[*at].is_none()) {
            if !lives(&joined.link) {
                return Err(self.gone());
            }
            waiting.tell(&self.cluster, missing);
            let Some((socket, greeting)) = self.greeted() else { continue };
            let ours = matches!(greeting.wish, Wish::Wire(job) if job == name);
            accept(&mut wires, greeting.process, socket, ours && greeting.process > own);
        }
        Ok(wires)
    }

    fn gone(&self) -> ClusterError {
        self.cluster.lost(Loss { process: 0, reason: Reason::Gone })
    }

    /// Connects to a process as soon as it is there.
    fn connect(&self, process: usize, wish: Wish) -> Result<TcpStream, ClusterError> {
        let mut waiting = Waiting::default();
        let socket = loop {
            match TcpStream::connect(&self.cluster.addresses[process]) {
                Ok(socket) => break socket,
                Err(_) => waiting.tell(&self.cluster, process),
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
            .and_then(|()| socket.set_read_timeout(Some(PATIENCE)));
        match settings.and_then(|()| frame::read_at_most(GREETING, &socket)) {
            Ok(greeting) => Some((socket, greeting)),
            Err(error) => {
                tracing::warn!(%address, %error, "somebody connected who is no process of this job");
                None
            }
        }
    }
}

/// Keeps a connection; a newer one replaces an older one, whose process has died.
fn accept(all: &mut Wires, process: usize, socket: TcpStream, wanted: bool) {
    if let Some(slot) = all.get_mut(process).filter(|_| wanted) {
        drop(socket.set_read_timeout(None));
        *slot = Some(socket);
    }
}

/// Whether the other side has not closed a connection on which nothing was said yet.
fn lives(socket: &TcpStream) -> bool {
    let peeked = socket.set_nonblocking(true).and_then(|()| socket.peek(&mut [0]));
    let blocking = socket.set_nonblocking(false).is_ok();
    let waits = matches!(&peeked, Err(error) if error.kind() == ErrorKind::WouldBlock);
    blocking && (waits || matches!(peeked, Ok(1)))
}

/// Reports from time to time which processes are missing.
struct Waiting {
    told: Instant,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { told: Instant::now() }
    }
}

impl Waiting {
    fn tell(&mut self, cluster: &Cluster, missing: usize) {
        if self.told.elapsed() > TOLD {
            tracing::info!("waiting for {}", cluster.name(missing));
            self.told = Instant::now() + TOLD * 4;
        }
    }
}
