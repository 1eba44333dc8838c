//! Messages on a connection: the length in four bytes, then postcard.

use std::io::{Error, ErrorKind, Read, Result, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Maximum number of bytes of a message. A peer that sends more uses another protocol.
const MOST: u32 = 1 << 30;

pub(super) fn write(mut to: impl Write, message: &impl Serialize) -> Result<()> {
    let bytes = postcard::to_allocvec(message).map_err(Error::other)?;
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= MOST);
    let length = length.ok_or_else(|| Error::other("a message that is too long"))?;
    to.write_all(&[&length.to_le_bytes()[..], &bytes].concat())
}

pub(super) fn read<T: DeserializeOwned>(from: impl Read) -> Result<T> {
    read_at_most(MOST, from)
}

/// Reads a message of an unknown peer.
pub(super) fn read_at_most<T: DeserializeOwned>(most: u32, mut from: impl Read) -> Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    let wrong = || Error::new(ErrorKind::InvalidData, "not a message of this program");
    if length > most {
        return Err(wrong());
    }
    let mut bytes = vec![0; length as usize];
    from.read_exact(&mut bytes)?;
    postcard::from_bytes(&bytes).map_err(|_| wrong())
}
