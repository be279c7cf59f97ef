//! The proxy's websockets: frames from the node are read one by one, and notifications among them get lost, doubled and out of order.

use super::faults::NotificationFault;
use super::proxy::Works;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Instant;

/// Opcode of a text frame that is the whole message.
const WHOLE_TEXT: u8 = 0x81;

/// Relays one websocket until either side closes it or the dice say so.
pub(super) fn websocket(works: &Arc<Works>, head: &[u8], client: TcpStream) -> io::Result<()> {
    let mut node = works.upstream()?;
    node.write_all(head)?;
    let (mut asking, mut asked) = (client.try_clone()?, node.try_clone()?);
    let up = std::thread::spawn(move || {
        // Ends when the client hangs up; what it says passes untouched.
        let _ended = io::copy(&mut asking, &mut asked);
        let _already_closed = asked.shutdown(Shutdown::Both);
    });
    let ended = Downward { works, client: &client, held: vec![], muted_until: Instant::now() }.run(BufReader::new(node));
    let _already_closed = client.shutdown(Shutdown::Both);
    let _panicked = up.join();
    ended
}

/// A frame that is to go out after so many others.
struct Held {
    after: usize,
    frame: Vec<u8>,
}

struct Downward<'a> {
    works: &'a Works,
    client: &'a TcpStream,
    held: Vec<Held>,
    muted_until: Instant,
}

impl Downward<'_> {
    fn run(&mut self, mut node: BufReader<TcpStream>) -> io::Result<()> {
        let mut line = vec![];
        while node.read_until(b'\n', &mut line)? > 2 {
            self.client.write_all(&std::mem::take(&mut line))?;
        }
        self.client.write_all(&line)?;
        loop {
            let frame = read_frame(&mut node)?;
            if !self.pass(frame)? {
                return node.get_ref().shutdown(Shutdown::Both);
            }
        }
    }

    /// Whether the socket stays open.
    fn pass(&mut self, frame: Vec<u8>) -> io::Result<bool> {
        const METHOD: &[u8] = b"Notification\"";
        if frame.first() != Some(&WHOLE_TEXT) || !frame.windows(METHOD.len()).any(|part| part == METHOD) {
            return self.client.write_all(&frame).map(|()| true);
        }
        if Instant::now() < self.muted_until {
            self.works.count("notifications muted");
            return Ok(true);
        }
        match self.works.dice.notification() {
            NotificationFault::None => self.out(&frame)?,
            NotificationFault::Lose => self.works.count("notifications lost"),
            NotificationFault::Duplicate(after) => {
                self.works.count("notifications doubled");
                self.out(&frame)?;
                self.held.push(Held { after, frame });
            }
            NotificationFault::Reorder(after) => {
                self.works.count("notifications reordered");
                self.held.push(Held { after, frame });
            }
            NotificationFault::HangUp => {
                self.works.count("websockets closed");
                return Ok(false);
            }
            NotificationFault::Mute(silence) => {
                self.works.count("websockets muted");
                self.muted_until = Instant::now() + silence;
            }
        }
        self.release()?;
        Ok(true)
    }

    fn out(&mut self, frame: &[u8]) -> io::Result<()> {
        self.client.write_all(frame)
    }

    fn release(&mut self) -> io::Result<()> {
        let (due, held) = std::mem::take(&mut self.held).into_iter().partition(|held| held.after == 0);
        self.held = held;
        self.held.iter_mut().for_each(|held| held.after -= 1);
        let due: Vec<Held> = due;
        due.iter().try_for_each(|held| self.out(&held.frame))
    }
}

/// A frame as it stands on the wire: two bytes, a longer length where they say so, and the payload, which a server never masks.
fn read_frame(node: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 2];
    node.read_exact(&mut frame)?;
    let more = match frame[1] {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    frame.resize(2 + more, 0);
    node.read_exact(&mut frame[2..])?;
    let said = frame[2..].iter().fold(0usize, |length, byte| length << 8 | usize::from(*byte));
    let length = if more == 0 { usize::from(frame[1]) } else { said };
    let payload = frame.len();
    frame.resize(payload + length, 0);
    node.read_exact(&mut frame[payload..])?;
    Ok(frame)
}
