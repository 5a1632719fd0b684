//! Records of deliveries as the history keeps them, packed. Any bytes are a record or an error, and a record
//! that is read is written and read back the same.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use storehook_aws::{
    history::DeliveryItem,
    table::{Item, from_item, to_item},
};

/// The dictionary that records are packed with.
const DICTIONARY: &[u8] = include_bytes!("../../../shared/aws/src/history/dictionaries/1.txt");

/// Reads the bytes as a packed record, and as the JSON that is packed.
pub fn packed_record(bytes: &[u8]) {
    read(bytes.to_vec());
    read([&[1], bytes].concat());
    let mut compressor = zstd::bulk::Compressor::with_dictionary(1, DICTIONARY).expect("a dictionary");
    let compressed = compressor.compress(bytes).expect("any bytes can be compressed");
    read([&[1][..], &compressed].concat());
}

fn read(packed: Vec<u8>) {
    let record = AttributeValue::B(Blob::new(packed));
    let item = Item::from([("record".to_owned(), record)]);
    let Ok(item) = from_item::<DeliveryItem>(item) else { return };
    let record = item.record.clone();
    let written = to_item(item).expect("a record that is read can be written");
    assert_eq!(from_item::<DeliveryItem>(written).expect("a record reads back").record, record);
}
