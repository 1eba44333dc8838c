use std::collections::BTreeMap;

use driftmill_datasets::Schema;
use driftmill_datasets::codec::CodecTable;
use driftmill_operators::Span;
use driftmill_operators::selection::SelectionTable;
use driftmill_operators::trigger::{Forget, TriggerTable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::letters::DeadLetters;
use crate::model::ModelTable;
use crate::retention::{Policies, Retention};
use crate::sink::SinkTable;
use crate::source::{OrderRules, SourceTable};
use crate::store::Store;
use crate::train::Training;

/// A pipeline file: from samples to model versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Name of the model that this pipeline publishes: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Where samples come from.
    pub source: SourceTable,
    /// How the bytes of a message become a sample; generators and Parquet files need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<CodecTable>,
    /// Event time, lateness and reading ahead.
    #[serde(default)]
    pub order: OrderRules,
    /// When to train.
    pub trigger: TriggerTable,
    /// What to train on.
    pub selection: SelectionTable,
    /// What follows when a sample is deleted that the newest version was trained on: `"keep"`
    /// (default) or `"retrain"`; of policies that are compared, too.
    #[serde(default, skip_serializing_if = "Forget::is_keep")]
    pub forget: Forget,
    /// The model's architecture.
    pub model: ModelTable,
    /// How to train.
    pub training: Training,
    /// How models are judged.
    #[serde(default)]
    pub evaluation: Evaluation,
    /// Where model versions go besides the run's model store.
    #[serde(default)]
    pub sink: SinkTable,
    /// Where messages go that are not samples.
    #[serde(default)]
    pub dead_letters: DeadLetters,
    /// How a job ends that is asked to, as services are.
    #[serde(default)]
    pub shutdown: Shutdown,
    /// How much a job that was stopped looks at again.
    #[serde(default)]
    pub checkpoint: Checkpoint,
    /// How the log is kept.
    #[serde(default, skip_serializing_if = "Store::is_default")]
    pub store: Store,
    /// What of a run is removed when it is old, once nothing can ask for it any more.
    #[serde(default, skip_serializing_if = "Retention::keeps_all")]
    pub retention: Retention,
    /// Other policies, run on the same stream to be compared with this pipeline's: they train, but
    /// publish nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub compare: BTreeMap<String, Comparison>,
}

/// A policy that is compared with the pipeline's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// When to train.
    pub trigger: TriggerTable,
    /// What to train on (default: as the pipeline).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<SelectionTable>,
}

/// How models are judged: every labelled sample is scored by the active version before it is
/// trained on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Length of the intervals of event time for which accuracy and loss are reported, as in
    /// `"30d"` (default: one interval for the whole stream).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Span>,
}

/// How a job ends that is asked to (SIGTERM).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Shutdown {
    /// How long a training that runs may go on, and versions may take to be published (default
    /// `"10s"`); what is not done then is done when the job is started again.
    pub grace: Span,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { grace: Span::from_millis(10_000) }
    }
}

/// How much a job that was stopped looks at again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Checkpoint {
    /// Samples after which the state of the trigger policy is recorded, if it decides nothing
    /// meanwhile (default 250,000).
    pub every: std::num::NonZeroU64,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self { every: std::num::NonZeroU64::new(250_000).expect("it is not zero") }
    }
}

impl Pipeline {
    /// Fills in what follows from other tables.
    pub(super) fn complete(&mut self) {
        if let (SourceTable::kafka(source), Some(sink)) = (&self.source, &mut self.sink.kafka)
            && sink.brokers.is_none()
        {
            sink.brokers = Some(source.brokers.clone());
            sink.properties = source.properties.with(&sink.properties);
        }
        let letters = &mut self.dead_letters;
        if let SourceTable::kafka(source) = &self.source
            && letters.topic.is_some()
            && letters.brokers.is_none()
        {
            letters.brokers = Some(source.brokers.clone());
            letters.properties = source.properties.with(&letters.properties);
        }
    }

    /// Everything wrong with the pipeline that no single type can refuse, as (path, problem).
    pub fn check(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut at = |table: &str, found: Vec<(&'static str, String)>| {
            problems.extend(found.into_iter().map(|(key, text)| (format!("{table}.{key}"), text)));
        };
        at(&format!("source.{}", self.source.key()), self.source.check());
        at(&format!("trigger.{}", self.trigger.key()), self.trigger.check());
        at("dead_letters", self.dead_letters.check());
        at("retention", self.retention.check());
        if let Some(cold) = &self.store.cold {
            at("store.cold", cold.check());
        }
        for (key, sink) in self.sink.named() {
            at(&format!("sink.{key}"), sink.check());
        }
        if let Some(codec) = &self.codec {
            at(&format!("codec.{}", codec.key()), codec.check());
        }
        for (name, comparison) in &self.compare {
            let table = format!("compare.{name}.trigger.{}", comparison.trigger.key());
            at(&table, comparison.trigger.check());
        }
        problems.extend(self.check_names());
        problems.extend(self.check_evaluation());
        problems.extend(self.check_sink());
        problems.extend(self.check_training());
        problems.extend(self.check_samples());
        problems.extend(self.check_keyed());
        problems
    }

    /// The policies of all branches: the pipeline's own, then those it is compared with.
    pub fn policies(&self) -> Vec<Policies<'_>> {
        let policies = |branch, trigger: &TriggerTable, selection| Policies {
            branch,
            trigger: self.forget.around(trigger.init()),
            selection,
        };
        let own = policies("", &self.trigger, &*self.selection);
        let compared = self.compare.iter().map(|(name, comparison)| {
            let selection = comparison.selection.as_ref().unwrap_or(&self.selection);
            policies(name, &comparison.trigger, &**selection)
        });
        std::iter::once(own).chain(compared).collect()
    }

    /// Shape and type of the samples' features; none where that takes a look at the source.
    pub fn schema(&self) -> Option<Schema> {
        self.source.schema().or_else(|| self.codec.as_ref().map(|codec| codec.schema()))
    }

    /// Names become those of folders.
    fn check_names(&self) -> Vec<(String, String)> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let fits = |name: &str| {
            (1..=200).contains(&name.len()) && !name.starts_with('.') && name.chars().all(plain)
        };
        let wanted = "wanted up to 200 letters, digits, `-`, `_` and `.`, not starting with a dot";
        let own = (!fits(&self.name)).then(|| ("name".to_owned(), wanted.to_owned()));
        let others = self.compare.keys().filter(|name| !fits(name));
        let others = others.map(|name| ("compare".to_owned(), format!("`{name}`: {wanted}")));
        own.into_iter().chain(others).collect()
    }

    fn check_evaluation(&self) -> Option<(String, String)> {
        let empty = self.evaluation.interval.is_some_and(|interval| interval.millis() <= 0);
        let text = "an interval must be longer than zero";
        empty.then(|| ("evaluation.interval".to_owned(), text.to_owned()))
    }

    fn check_sink(&self) -> Option<(String, String)> {
        let lacking = self.sink.kafka.as_ref().is_some_and(|sink| sink.brokers.is_none());
        let text = "say on which brokers: brokers = \"localhost:9092\"";
        lacking.then(|| ("sink.kafka".to_owned(), text.to_owned()))
    }

    fn check_training(&self) -> Option<(String, String)> {
        let text = "decisions wait for the model they need: `latest` is not built yet";
        let latest = self.training.lag == crate::train::Lag::Latest;
        latest.then(|| ("training.lag".to_owned(), text.to_owned()))
    }

    fn check_keyed(&self) -> Vec<(String, String)> {
        let (order, keyed) = (&self.order, self.source.keyed());
        let mut problems = Vec::new();
        if keyed.is_some() && order.out_of_orderness.millis() > 0 {
            let text =
                "keyed samples replace each other in the order of their offsets: wanted \"0s\"";
            problems.push(("order.out_of_orderness".to_owned(), text.to_owned()));
        }
        if !self.forget.is_keep() && keyed.is_none() {
            let text = "samples are deleted by their keys: this source has none";
            problems.push(("forget".to_owned(), text.to_owned()));
        }
        if order.label_wait.millis() > 0 && !keyed.is_some_and(|keyed| keyed.labels) {
            let text = "there is no topic of labels to wait for: [source.kafka.labels]";
            problems.push(("order.label_wait".to_owned(), text.to_owned()));
        }
        problems
    }

    fn check_samples(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        match (self.source.needs_codec(), &self.codec) {
            (true, None) => problems.push((
                format!("source.{}", self.source.key()),
                "its messages are bytes: say how they become samples, as in [codec.json]".into(),
            )),
            (false, Some(codec)) => problems.push((
                format!("codec.{}", codec.key()),
                format!("the source `{}` needs no codec", self.source.key()),
            )),
            _ => {}
        }
        if let Some(codec) = &self.codec
            && codec.schema().width() == 0
        {
            let text = "name at least one column: features = [\"a\"]";
            problems.push((format!("codec.{}.features", codec.key()), text.to_owned()));
        } else if let Some(schema) = self.schema()
            && let Some(problem) = self.model.check(&schema)
        {
            problems.push((format!("model.{}", self.model.key()), problem));
        }
        problems
    }
}
