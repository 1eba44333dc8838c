//! The IDX format of MNIST: a header with the lengths of an array's sides, then its bytes.

use std::io::Read;
use std::path::Path;
use std::{fs, io};

use flate2::read::MultiGzDecoder;

use crate::DatasetError;

/// An array of bytes.
pub(super) struct Idx {
    /// The sides, outermost first.
    pub(super) sides: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

/// The expected content of a file.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    /// A description for errors, with its article: `an IDX file of images`.
    pub(super) what: &'static str,
    /// Number of sides.
    pub(super) sides: usize,
}

/// Reads the file at `path`, which may be compressed with gzip.
pub(super) fn read(path: &Path, wanted: Wanted) -> Result<Idx, DatasetError> {
    let mismatch = |found: String| mismatch(path, wanted, found);
    let file = fs::read(path).map_err(|error| mismatch(error.to_string()))?;
    let bytes = unpack(file).map_err(|error| mismatch(format!("a broken gzip file ({error})")))?;
    let magic = [0, 0, 8, u8::try_from(wanted.sides).expect("few sides")];
    let start = magic.len() + 4 * wanted.sides;
    if bytes.len() < start || bytes[..magic.len()] != magic {
        return Err(mismatch("a file with another header".to_owned()));
    }
    let (header, bytes) = bytes.split_at(start);
    let sides: Vec<usize> = header[magic.len()..]
        .as_chunks()
        .0
        .iter()
        .map(|side: &[u8; 4]| u32::from_be_bytes(*side) as usize)
        .collect();
    let size = sides.iter().try_fold(1_usize, |size, &side| size.checked_mul(side));
    if size != Some(bytes.len()) {
        return Err(mismatch(format!("{} bytes for an array of {sides:?}", bytes.len())));
    }
    Ok(Idx { sides, bytes: bytes.to_vec() })
}

/// The error for a file with other content.
pub(super) fn mismatch(path: &Path, wanted: Wanted, found: String) -> DatasetError {
    DatasetError {
        path: path.to_owned(),
        wanted: wanted.what,
        found,
        hint: "name the files of MNIST as they are downloaded, compressed or not, relative to the \
               working directory",
    }
}

fn unpack(file: Vec<u8>) -> io::Result<Vec<u8>> {
    if !file.starts_with(&[0x1f, 0x8b]) {
        return Ok(file);
    }
    let mut bytes = Vec::new();
    MultiGzDecoder::new(file.as_slice()).read_to_end(&mut bytes)?;
    Ok(bytes)
}
