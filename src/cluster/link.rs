//! A connection for messages between two processes that are not part of the dataflow.

use std::io::ErrorKind;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Reason, frame};

/// A sign of life is sent after so long.
const PULSE: Duration = Duration::from_secs(1);

/// A process that sends nothing for this time is lost.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// How long the last messages may take to be sent.
const GRACE: Duration = Duration::from_secs(2);

/// A connection for messages that are not part of the dataflow.
///
/// Messages arrive in the order in which they were sent. Sending never blocks.
pub struct Link<M> {
    queue: Sender<Option<M>>,
    sent: Receiver<()>,
}

impl<M: Serialize + Send + 'static> Link<M> {
    /// Tells over `socket`, and lets `hear` know what the other says; last of all why no more will
    /// come.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start<H: DeserializeOwned>(
        socket: TcpStream,
        mut hear: impl FnMut(Result<H, Reason>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (queue, messages) = unbounded::<Option<M>>();
        let (done, sent) = unbounded();
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(SILENCE))?;
        socket.set_write_timeout(Some(SILENCE))?;
        let writing = socket.try_clone()?;
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        named("link-send").spawn(move || {
            // the receiving thread notices when the peer is gone.
            drop(send(&writing, &messages));
            let _nobody_waits = done.send(());
        })?;
        named("link-hear").spawn(move || {
            loop {
                match frame::read::<Option<H>>(&socket) {
                    Ok(Some(said)) => hear(Ok(said)),
                    Ok(None) => {}
                    Err(error) => {
                        drop(socket.shutdown(Shutdown::Both));
                        return hear(Err(reason(&error)));
                    }
                }
            }
        })?;
        Ok(Self { queue, sent })
    }

    /// Sends a message.
    pub fn tell(&self, message: M) {
        // nothing can be sent to a peer that is gone; the receiving thread reports it.
        drop(self.queue.send(Some(message)));
    }

    /// Waits a moment until all messages are sent.
    pub fn settle(&self) {
        drop(self.queue.send(None));
        let _settled = self.sent.recv_timeout(GRACE);
    }
}

/// Sends messages until one says that it is the last.
fn send<M: Serialize>(socket: &TcpStream, messages: &Receiver<Option<M>>) -> std::io::Result<()> {
    loop {
        match messages.recv_timeout(PULSE) {
            Ok(Some(message)) => frame::write(socket, &Some(message))?,
            Err(RecvTimeoutError::Timeout) => frame::write(socket, &None::<M>)?,
            Ok(None) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

fn reason(error: &std::io::Error) -> Reason {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Reason::Silent,
        _ => Reason::Gone,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn what_is_told_arrives_in_order_and_then_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let there = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (here, _) = listener.accept().unwrap();
        let (send, heard) = unbounded();
        let ours = Link::<u32>::start(here, move |said| send.send(said).unwrap()).unwrap();
        let other = there.try_clone().unwrap();
        let theirs = Link::<u32>::start(there, |_: Result<u32, Reason>| {}).unwrap();
        (0..1000).for_each(|number| theirs.tell(number));
        theirs.settle();
        other.shutdown(Shutdown::Both).unwrap();
        let all: Vec<Result<u32, Reason>> = heard.iter().take(1001).collect();
        let wanted = (0..1000).map(Ok).chain([Err(Reason::Gone)]);
        assert_eq!(all, wanted.collect::<Vec<_>>());
        ours.settle();
    }
}
