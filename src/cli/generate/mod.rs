//! The `generate` command: writes generated samples.

use std::num::{NonZeroU16, NonZeroU64};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use driftmill_datasets::codec::{CodecTable, Image, Json, Names};
use driftmill_datasets::{Schema, ValueType};
use rdkafka::ClientConfig;
use toml_edit::Value;

use super::arguments::File;
use super::error::{NotASample, Usage};
use crate::config::Pipeline;
use crate::kafka::Properties;
use crate::source::{Fetched, Gate, OrderRules, Progress, Reader, SourceTable, WatermarkTracker};

mod kafka;
mod parquet;
mod target;

use self::target::Target;

/// Maximum number of samples that are processed at once.
const BATCH: usize = 4096;

#[derive(Debug, Args)]
pub(super) struct Generate {
    /// A pipeline whose source is a generator or a file: its samples are written
    #[command(flatten)]
    file: File,
    /// Write to this Kafka topic, created if missing
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "parquet",
        conflicts_with = "parquet"
    )]
    topic: Option<String>,
    /// Brokers of the topic
    #[arg(long, value_name = "HOST:PORT", default_value = "localhost:9092")]
    brokers: String,
    /// A property of librdkafka's producer, such as `--property security.protocol=SSL`; for secrets, better
    /// `--property 'sasl.password={ env = "PASSWORD" }'` or `{ file = "path" }`
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = property)]
    properties: Vec<Properties>,
    /// Partitions of the topic, if it is created; sample i goes to partition i mod partitions
    #[arg(long, value_name = "N", default_value = "1")]
    partitions: NonZeroU16,
    /// Write to this Parquet file
    #[arg(long, value_name = "PATH")]
    parquet: Option<PathBuf>,
    /// Maximum number of samples to write
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroU64>,
}

/// Parses a property: its value or, in braces, the source of its value.
fn property(text: &str) -> Result<Properties, String> {
    let (key, value) = text.split_once('=').ok_or("wanted key=value")?;
    let value = value.trim();
    let value = if value.starts_with('{') {
        Value::from_str(value).map_err(|error| error.message().to_owned())?
    } else {
        Value::from(value)
    };
    let mut table = toml_edit::DocumentMut::new();
    table.insert(key.trim(), toml_edit::value(value));
    toml::from_str(&table.to_string()).map_err(|error| error.message().to_owned())
}

impl Generate {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        let pipeline = self.file.load()?;
        let schema =
            pipeline.schema().filter(|_| !pipeline.source.needs_codec()).ok_or_else(|| {
                let text = "wanted a pipeline whose source is a generator or a file";
                Usage(format!("`{}`: {text}", self.file.file.display()))
            })?;
        let target: Box<dyn Target> = match (&self.topic, &self.parquet) {
            (Some(topic), _) => {
                let codec = codec(&pipeline, &schema);
                let partitions = self.partitions.get();
                let properties = self.properties.iter();
                let properties = properties.fold(Properties::default(), |all, one| all.with(one));
                let mut client = ClientConfig::new();
                properties.apply(&mut client)?;
                client.set("bootstrap.servers", &self.brokers);
                Box::new(kafka::Topic::open(client, topic, partitions, &codec)?)
            }
            (None, Some(path)) => {
                Box::new(parquet::ParquetFile::create(path, &names(&pipeline, &schema))?)
            }
            (None, None) => unreachable!("the command line requires one of them"),
        };
        let written =
            copy(&pipeline, &schema, target, self.limit.map_or(u64::MAX, NonZeroU64::get))?;
        tracing::info!("{written} samples written");
        Ok(0)
    }
}

/// Reads the pipeline's source to its end and writes its samples.
fn copy(
    pipeline: &Pipeline,
    schema: &Schema,
    mut target: Box<dyn Target>,
    limit: u64,
) -> anyhow::Result<u64> {
    let partitions = pipeline.source.resolve()?;
    if partitions.len() != 1 {
        let text = "wanted a source with one partition\nhint: --set source.generator.partitions=1";
        return Err(Usage(text.to_owned()).into());
    }
    let mut reader: Box<dyn Reader> = pipeline.source.open(&partitions, None)?;
    let mut written = 0;
    loop {
        let (rules, mut watermark) = (OrderRules::default(), WatermarkTracker::new());
        let gate =
            Gate { rules: &rules, watermark: &mut watermark, classes: u32::MAX, keyed: false };
        let batch = BATCH.min((limit - written).try_into().unwrap_or(usize::MAX));
        let mut fetched = Fetched::new(schema.clone(), batch, gate);
        let progress = reader.poll(0, &mut fetched)?;
        if let Some(invalid) = fetched.invalid.first() {
            let (row, reason) = (invalid.offset, invalid.reason.to_string());
            return Err(NotASample { row, reason }.into());
        }
        let times: Vec<i64> = fetched.placed.iter().map(|placed| placed.time).collect();
        target.write(&fetched.columns, &times)?;
        written += fetched.len() as u64;
        if progress == Progress::End || written == limit {
            target.finish()?;
            return Ok(written);
        }
    }
}

/// Names of the features: those in the file, or x0, x1, …
fn names(pipeline: &Pipeline, schema: &Schema) -> Vec<String> {
    match &pipeline.source {
        SourceTable::file(file) => file.features.to_vec(),
        _ => (0..schema.width()).map(|feature| format!("x{feature}")).collect(),
    }
}

fn label(pipeline: &Pipeline) -> String {
    match &pipeline.source {
        SourceTable::file(file) => file.label.clone(),
        _ => None,
    }
    .unwrap_or_else(|| "class".into())
}

/// The encoding of samples as messages: rows as JSON, images as bytes after their class.
fn codec(pipeline: &Pipeline, schema: &Schema) -> CodecTable {
    match (schema.value, schema.shape[..].try_into()) {
        (ValueType::U8, Ok(shape)) => {
            let shape: [usize; 3] = shape;
            let shape = shape.try_into().expect("a generator's images have a shape");
            CodecTable::image(Image { shape, label: Default::default(), classes: None })
        }
        _ => {
            let features = Names::try_from(names(pipeline, schema)).expect("names differ");
            let label = Some(label(pipeline));
            CodecTable::json(Json { features, label, labels: None, classes: None, time: None })
        }
    }
}
