//! Records of deliveries in few bytes.
//!
//! DynamoDB charges a write by whole KB of the item ("Read and write operations", Amazon DynamoDB
//! Developer Guide). A record as attributes takes two KB. Packed, it and what the table needs of it
//! fit into one.
//!
//! A packed record is its JSON, compressed by zstd with a dictionary: a text with the names and the
//! values that most records have. Its first byte is the number of that dictionary. A dictionary must
//! never change, or the records that were packed with it could not be read any more. A better one
//! gets the next number, and a release that reads it goes before the one that writes it.

use std::{cell::RefCell, io};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use storehook_domain::history::record::DeliveryRecord;
use zstd::bulk::{Compressor, Decompressor};

/// The dictionary that records are packed with.
pub(super) const DICTIONARY: &[u8] = include_bytes!("dictionaries/1.txt");

/// Its number.
const NUMBER: u8 = 1;

/// A compromise of time and size: at 9 a record is 3 % smaller and takes four times as long.
const LEVEL: i32 = 3;

/// No record is larger: the tests hold the largest one to a fifth of it. So this bounds the memory
/// that a malformed item can take.
pub(super) const RECORD_LIMIT: usize = 1024 * 1024;

thread_local! {
    // To load the dictionary takes longer than to pack a record.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// A packed record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Packed(ByteBuf);

/// Why a record could not be packed or unpacked.
#[derive(Debug, thiserror::Error)]
pub(super) enum PackedError {
    /// It is packed by a later release, with a dictionary that this one does not have.
    #[error("the dictionary {0} of a record is unknown")]
    Dictionary(u8),
    #[error("a record has no bytes")]
    Empty,
    #[error("a record could not be compressed or decompressed")]
    Zstd(#[from] io::Error),
    #[error("a record is malformed")]
    Json(#[from] serde_json::Error),
}

impl Packed {
    /// Packs a record.
    pub(super) fn of(record: &DeliveryRecord) -> Result<Self, PackedError> {
        let json = serde_json::to_vec(record)?;
        let mut packed = vec![NUMBER];
        COMPRESSOR.with_borrow_mut(|kept| -> io::Result<()> {
            let compressor = match kept {
                Some(compressor) => compressor,
                None => kept.insert(Compressor::with_dictionary(LEVEL, DICTIONARY)?),
            };
            packed.extend(compressor.compress(&json)?);
            Ok(())
        })?;
        Ok(Self(ByteBuf::from(packed)))
    }

    /// The record.
    pub(super) fn record(&self) -> Result<DeliveryRecord, PackedError> {
        let (number, compressed) = self.0.split_first().ok_or(PackedError::Empty)?;
        if *number != NUMBER {
            return Err(PackedError::Dictionary(*number));
        }
        let json = DECOMPRESSOR.with_borrow_mut(|kept| {
            let decompressor = match kept {
                Some(decompressor) => decompressor,
                None => kept.insert(Decompressor::with_dictionary(DICTIONARY)?),
            };
            decompressor.decompress(compressed, RECORD_LIMIT)
        })?;
        Ok(serde_json::from_slice(&json)?)
    }
}
