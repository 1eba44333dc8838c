//! The sockets on which timely exchanges data between processes.

use std::any::Any;
use std::io::{ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use timely::communication::allocator::zero_copy::initialize::initialize_networking_from_sockets;
use timely::communication::allocator::zero_copy::stream::Stream;
use timely::communication::allocator::{AllocatorBuilder, ProcessBuilder};
use timely::communication::{Hooks, networking::MessageHeader};

use super::{Cluster, ClusterError};

/// The connections of this process, by process; none to itself.
pub type Wires = Vec<Option<TcpStream>>;

/// The longest delay of a message on a link.
const SETTLE_TIME: Duration = Duration::from_millis(300);

/// A callback for the number of a process that was lost.
type Lost = Arc<dyn Fn(usize) + Send + Sync>;

/// Creates timely's builders for `count` workers of this process. `lost` is called when the connection to a
/// process breaks.
///
/// # Errors
/// When the system refuses.
pub fn workers(
    cluster: &Cluster,
    count: usize,
    wires: Wires,
    lost: impl Fn(usize) + Send + Sync + 'static,
) -> std::result::Result<(Vec<AllocatorBuilder>, Box<dyn Any + Send>), ClusterError> {
    let lost: Lost = Arc::new(lost);
    let wire = |(process, socket): (usize, Option<TcpStream>)| {
        Some(Wire { socket: socket?, process, lost: Arc::clone(&lost), zeros: 0 })
    };
    let wires = wires.into_iter().enumerate().map(wire).collect();
    let hooks = Hooks::default();
    let inside = ProcessBuilder::new_typed_vector(count, hooks.refill.clone(), None);
    let connected =
        initialize_networking_from_sockets(inside, wires, cluster.process, count, hooks);
    let (builders, guard) = connected.map_err(ClusterError::io("all processes".to_owned()))?;
    Ok((builders.into_iter().map(AllocatorBuilder::Tcp).collect(), Box::new(guard)))
}

/// A connection for the dataflow.
///
/// Timely panics when a connection breaks. This type instead reports the lost process and lets its threads
/// wait for the end of the process, which follows soon.
struct Wire {
    socket: TcpStream,
    process: usize,
    lost: Lost,
    /// Number of zeros at the end of the bytes that were read.
    zeros: usize,
}

impl Wire {
    /// Whether the peer has announced its end: a header of zeros alone.
    fn ended(&self) -> bool {
        self.zeros >= size_of::<MessageHeader>()
    }

    fn broken(&self) -> ! {
        // messages about the peer's end arrive first.
        std::thread::sleep(SETTLE_TIME);
        (self.lost)(self.process);
        loop {
            std::thread::park();
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = loop {
            match self.socket.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) if !self.ended() => self.broken(),
                // a peer that has ended may leave data unread.
                read => break read.unwrap_or(0),
            }
        };
        let zeros = buffer[..count].iter().rev().take_while(|byte| **byte == 0).count();
        self.zeros = if zeros == count { self.zeros + zeros } else { zeros };
        Ok(count)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match self.socket.write(bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            // data that the peer does not read is lost together with the peer; the reading thread reports
            // it.
            written => Ok(written.unwrap_or(bytes.len())),
        }
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Stream for Wire {
    fn try_clone(&self) -> Result<Self> {
        let (socket, lost) = (self.socket.try_clone()?, Arc::clone(&self.lost));
        Ok(Self { socket, process: self.process, lost, zeros: 0 })
    }

    fn set_nonblocking(&self, nonblocking: bool) -> Result<()> {
        self.socket.set_nonblocking(nonblocking)
    }

    fn shutdown(&self, how: Shutdown) -> Result<()> {
        // there is nothing to shut down if the peer did so first.
        drop(self.socket.shutdown(how));
        Ok(())
    }
}
