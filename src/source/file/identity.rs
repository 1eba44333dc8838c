//! The identity of a file: length and digest of the part that a run has read.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::str::FromStr;

use xxhash_rust::xxh3::Xxh3;

use super::errors::failed;
use crate::source::SourceError;

/// Bytes that are read at once.
const BLOCK: usize = 1 << 20;

/// Distinguishes a grown file from another one of the same name: length and digest of the part that was read.
///
/// Written as `LENGTH:DIGEST`, followed by `:open` if the last line had no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    bytes: u64,
    /// XXH3-128 of these bytes.
    digest: u128,
    /// Whether the last row was read without a line end: what follows it may belong to it.
    open: bool,
}

impl Identity {
    /// The identity of the first `bytes` of a file, whose last row is `open`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(path: &Path, bytes: u64, open: bool) -> Result<Self, SourceError> {
        let file = File::open(path).map_err(failed("opening", path))?;
        let (mut rest, mut block) = (file.take(bytes), vec![0; BLOCK]);
        let mut digest = Xxh3::new();
        loop {
            let read = rest.read(&mut block).map_err(failed("reading", path))?;
            if read == 0 {
                return Ok(Self { bytes, digest: digest.digest128(), open });
            }
            digest.update(&block[..read]);
        }
    }

    /// Checks that the file still begins with what was read.
    ///
    /// # Errors
    /// [`SourceError::Replaced`] when it does not.
    pub(super) fn check(&self, path: &Path) -> Result<(), SourceError> {
        let Self { bytes, open, .. } = *self;
        let replaced = |reason: String| SourceError::Replaced { path: path.to_owned(), reason };
        let length = std::fs::metadata(path).map_err(failed("reading", path))?.len();
        if length < bytes {
            let reason = format!("it has {length} bytes, but {bytes} were read");
            return Err(replaced(reason));
        }
        if Self::read(path, bytes, open)? != *self {
            return Err(replaced(format!("its first {bytes} bytes have changed")));
        }
        if open && !matches!(byte_at(path, bytes)?, None | Some(b'\r' | b'\n')) {
            let reason = "its last line was incomplete when it was read";
            return Err(replaced(reason.to_owned()));
        }
        Ok(())
    }
}

/// The byte at an offset, if there is one.
fn byte_at(path: &Path, offset: u64) -> Result<Option<u8>, SourceError> {
    let file = File::open(path).map_err(failed("opening", path))?;
    let mut byte = [0];
    let read = file.read_at(&mut byte, offset).map_err(failed("reading", path))?;
    Ok((read > 0).then_some(byte[0]))
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = if self.open { ":open" } else { "" };
        write!(f, "{}:{:032x}{open}", self.bytes, self.digest)
    }
}

impl FromStr for Identity {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (bytes, rest) = text.split_once(':').ok_or(())?;
        let (digest, open) = match rest.strip_suffix(":open") {
            Some(digest) => (digest, true),
            None => (rest, false),
        };
        let bytes = bytes.parse().map_err(drop)?;
        Ok(Self { bytes, digest: u128::from_str_radix(digest, 16).map_err(drop)?, open })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_values_are_read_back() {
        for open in [true, false] {
            let identity = Identity { bytes: 17, digest: u128::MAX >> 9, open };
            assert_eq!(identity.to_string().parse(), Ok(identity));
        }
        assert_eq!("17".parse::<Identity>(), Err(()));
    }
}
