//! Writes generated samples to a Kafka topic.

use std::time::Duration;

use anyhow::Context;
use driftmill_datasets::Columns;
use driftmill_datasets::codec::{Codec, CodecTable};
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;

use super::target::Target;
use crate::cli::error::Usage;
use crate::kafka::{create_topic, describe};

/// The first timestamp that librdkafka writes unchanged. It treats 0 as no timestamp and writes the current
/// time instead.
const FIRST: i64 = 1;

/// A topic over whose partitions samples are distributed. Samples with timestamp 0 are written with
/// timestamp 1.
pub(super) struct Topic {
    name: String,
    partitions: u64,
    next: u64,
    codec: Box<dyn Codec>,
    producer: ThreadedProducer<DefaultProducerContext>,
}

impl Topic {
    pub(super) fn open(
        mut client: ClientConfig,
        name: &str,
        partitions: u16,
        codec: &CodecTable,
    ) -> anyhow::Result<Self> {
        let brokers = client.get("bootstrap.servers").unwrap_or_default().to_owned();
        create_topic(&client, &brokers, name, i32::from(partitions))?;
        client.set("enable.idempotence", "true").set("linger.ms", "5");
        let producer: ThreadedProducer<DefaultProducerContext> =
            client.create().map_err(|error| Usage(format!("--property: {}", describe(&error))))?;
        let metadata = producer.client().fetch_metadata(Some(name), Duration::from_secs(10))?;
        let found = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
        let partitions = u64::try_from(found).unwrap_or(1).max(1);
        Ok(Self { name: name.to_owned(), partitions, next: 0, codec: codec.init(), producer })
    }

    fn send(&self, partition: i32, time: i64, payload: &[u8]) -> Result<(), KafkaError> {
        loop {
            let record: BaseRecord<'_, (), [u8]> = BaseRecord::to(&self.name)
                .partition(partition)
                .timestamp(time.max(FIRST))
                .payload(payload);
            match self.producer.send(record) {
                Err((error, _))
                    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) =>
                {
                    std::thread::sleep(Duration::from_millis(5));
                }
                sent => return sent.map_err(|(error, _)| error),
            }
        }
    }
}

impl Target for Topic {
    fn write(&mut self, columns: &Columns, times: &[i64]) -> anyhow::Result<()> {
        for (row, time) in times.iter().enumerate() {
            let partition = (self.next % self.partitions) as i32;
            self.next += 1;
            // Kafka has no timestamps before 1970: such samples must contain their time.
            let time = *time;
            if time < 0 {
                let text = "a sample is from before 1970, and Kafka has no timestamps for that \
                            time\n\
                     hint: write it to a Parquet file, or give its time in a column";
                return Err(Usage(text.to_owned()).into());
            }
            let payload = self.codec.encode(columns, row);
            self.send(partition, time, &payload)
                .with_context(|| format!("writing to topic `{}`", self.name))?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> anyhow::Result<()> {
        self.producer
            .flush(Duration::from_secs(60))
            .with_context(|| format!("writing to topic `{}`", self.name))
    }
}
