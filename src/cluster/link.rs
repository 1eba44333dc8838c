//! A connection for messages between two processes that are not part of the dataflow.

use std::io::ErrorKind;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Reason, frame};

/// The time between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// A process that sends nothing for this time is lost.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// Time limit for sending the last messages.
const GRACE: Duration = Duration::from_secs(2);

/// A connection for messages that are not part of the dataflow.
///
/// Messages arrive in the order in which they were sent. Sending never blocks.
pub struct Link<M> {
    queue: Sender<Option<M>>,
    sent: Receiver<()>,
}

impl<M: Serialize + Send + 'static> Link<M> {
    /// Starts the threads of a link over `socket`. `on_message` receives the messages of the peer and, at
    /// the end, the reason why there will be no more.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn start<H: DeserializeOwned>(
        socket: TcpStream,
        mut on_message: impl FnMut(Result<H, Reason>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (queue, messages) = unbounded::<Option<M>>();
        let (done, sent) = unbounded();
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(SILENCE))?;
        socket.set_write_timeout(Some(SILENCE))?;
        let writing = socket.try_clone()?;
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        named("link-send").spawn(move || {
            // the receiving thread notices when the peer has ended.
            drop(send(&writing, &messages));
            let _unused = done.send(());
        })?;
        named("link-receive").spawn(move || {
            loop {
                match frame::read::<Option<H>>(&socket) {
                    Ok(Some(message)) => on_message(Ok(message)),
                    Ok(None) => {}
                    Err(error) => {
                        drop(socket.shutdown(Shutdown::Both));
                        return on_message(Err(reason(&error)));
                    }
                }
            }
        })?;
        Ok(Self { queue, sent })
    }

    /// Sends a message.
    pub fn send(&self, message: M) {
        // nothing can be sent to a peer that has ended; the receiving thread reports it.
        drop(self.queue.send(Some(message)));
    }

    /// Waits for a short time until all messages are sent.
    pub fn settle(&self) {
        drop(self.queue.send(None));
        let _settled = self.sent.recv_timeout(GRACE);
    }
}

/// Sends messages up to the last one.
fn send<M: Serialize>(socket: &TcpStream, messages: &Receiver<Option<M>>) -> std::io::Result<()> {
    loop {
        match messages.recv_timeout(HEARTBEAT) {
            Ok(Some(message)) => frame::write(socket, &Some(message))?,
            Err(RecvTimeoutError::Timeout) => frame::write(socket, &None::<M>)?,
            Ok(None) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

fn reason(error: &std::io::Error) -> Reason {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Reason::Silent,
        _ => Reason::Disconnected,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn messages_arrive_in_order_followed_by_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let there = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (here, _) = listener.accept().unwrap();
        let (send, received) = unbounded();
        let ours = Link::<u32>::start(here, move |message| send.send(message).unwrap()).unwrap();
        let other = there.try_clone().unwrap();
        let theirs = Link::<u32>::start(there, |_: Result<u32, Reason>| {}).unwrap();
        (0..1000).for_each(|number| theirs.send(number));
        theirs.settle();
        other.shutdown(Shutdown::Both).unwrap();
        let all: Vec<Result<u32, Reason>> = received.iter().take(1001).collect();
        let wanted = (0..1000).map(Ok).chain([Err(Reason::Disconnected)]);
        assert_eq!(all, wanted.collect::<Vec<_>>());
        ours.settle();
    }
}
