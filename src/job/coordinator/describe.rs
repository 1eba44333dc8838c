//! The description of a version, in `version.json` and in its event.

use std::collections::BTreeMap;

use driftmill_operators::selection::{Candidate, TrainingSet};

use crate::catalog::{
    Artifact, DataUsed, ModelStore, OffsetRange, Signature, TrainedSamples, TriggerInfo, Version,
    digest,
};
use crate::job::{Branch, Context};
use crate::model::{InputScale, ModelTable};
use crate::train::Trained;

/// The version to be described.
#[derive(Clone, Copy)]
pub(in crate::job) struct Named<'a> {
    /// The branch that it belongs to.
    pub(in crate::job) branch: &'a Branch,
    /// Empty for the branch's own models, else the suffix of their name.
    pub(in crate::job) suffix: &'a str,
    /// The model store that holds it.
    pub(in crate::job) store: &'a ModelStore,
    /// The architecture of the model.
    pub(in crate::job) architecture: &'a ModelTable,
    /// The number of the version.
    pub(in crate::job) number: u64,
    /// The number of the version before.
    pub(in crate::job) parent: Option<u64>,
    /// The ids of the irreducible-loss versions that were trained for it.
    pub(in crate::job) irreducible_models: &'a [String],
}

/// The description of a new version.
pub(in crate::job) fn describe(
    context: &Context,
    named: Named<'_>,
    set: &TrainingSet,
    trained: &Trained,
) -> Version {
    let Named { branch, suffix, store, architecture, number, parent, irreducible_models } = named;
    let name = match branch.name.as_str() {
        "" => context.pipeline.name.clone(),
        name => format!("{}.{name}", context.pipeline.name),
    };
    let model = name + suffix;
    Version {
        id: format!("{}/{model}/{number}", context.run),
        model,
        version: number,
        parent,
        trigger: TriggerInfo {
            id: set.decision.trigger,
            position: context.place(set.decision.position),
            reason: set.decision.reason.clone(),
        },
        data: data_used(context, branch, set, trained),
        artifact: Artifact {
            uri: format!("file://{}", store.weights_of(number).display()),
            format: "safetensors".into(),
            sha256: trained.weights.sha256().to_owned(),
            bytes: trained.weights.bytes().len() as u64,
        },
        signature: Signature {
            input: context.log.schema().clone(),
            input_scale: InputScale::of(context.log.schema()),
            classes: architecture.classes(),
        },
        architecture: serde_json::to_value(architecture).expect("a model's table is plain data"),
        irreducible_models: irreducible_models.to_vec(),
        losses: trained.losses.clone(),
        pipeline_digest: context.pipeline_digest.clone(),
        created: chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now())
            .to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        training_seconds: trained.seconds,
    }
}

fn data_used(context: &Context, branch: &Branch, set: &TrainingSet, trained: &Trained) -> DataUsed {
    let mut ranges: BTreeMap<u32, OffsetRange> = BTreeMap::new();
    for row in &set.rows {
        let id = row.id();
        let range = ranges.entry(id.stream()).or_insert_with(|| OffsetRange {
            topic: context.topic(id.topic()).to_owned(),
            partition: id.partition(),
            from: id.offset(),
            to: id.offset(),
            samples: 0,
        });
        range.from = range.from.min(id.offset());
        range.to = range.to.max(id.offset() + 1);
        range.samples += 1;
    }
    let time = |row: Option<&Candidate>| row.map_or(0, |row| row.position.time());
    DataUsed {
        samples: set.rows.len() as u64,
        partitions: ranges.into_values().collect(),
        from_time: time(set.rows.first()),
        to_time: time(set.rows.last()),
        selection: branch.selection_key.to_owned(),
        seed: context.pipeline.training.seed,
        ids_digest: digest(set.rows.iter().map(Candidate::id)),
        trained_samples: trained.downsampled.as_ref().map(|kept| TrainedSamples::of(set, kept)),
    }
}
