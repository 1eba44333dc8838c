//! Problems of a pipeline that no single type can detect.

use super::Pipeline;
use crate::train::Downsampling;

/// Maximum number of threads of a training. No processor has more.
const MAX_THREADS: usize = 1024;

impl Pipeline {
    /// All problems of the pipeline that no single type can detect, as (path, problem).
    pub fn check(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut at = |table: &str, found: Vec<(&'static str, String)>| {
            problems.extend(found.into_iter().map(|(key, text)| (format!("{table}.{key}"), text)));
        };
        at(&format!("source.{}", self.source.key()), self.source.check());
        at(&format!("trigger.{}", self.trigger.key()), self.trigger.check());
        at("dead_letters", self.dead_letters.check());
        at("retention", self.retention.check());
        if let Some(tier) = &self.store.tier {
            at("store.tier", tier.check());
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
        for (name, shadow) in &self.shadow {
            let table = format!("shadow.{name}.trigger.{}", shadow.trigger.key());
            at(&table, shadow.trigger.check());
            at(&table, shadow.trigger.check_shadow());
        }
        problems.extend(self.check_names());
        problems.extend(self.check_evaluation());
        problems.extend(self.check_downsampling());
        problems.extend(self.check_sink());
        problems.extend(self.check_samples());
        problems.extend(self.check_keyed());
        problems.extend(self.check_limits());
        problems
    }

    /// Problems of names, which become names of folders.
    fn check_names(&self) -> Vec<(String, String)> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let fits = |name: &str| {
            (1..=200).contains(&name.len()) && !name.starts_with('.') && name.chars().all(plain)
        };
        let wanted = "wanted up to 200 letters, digits, `-`, `_` and `.`, not starting with a dot";
        let own = (!fits(&self.name)).then(|| ("name".to_owned(), wanted.to_owned()));
        let others = self.compare.keys().map(|name| ("compare", name));
        let others = others.chain(self.shadow.keys().map(|name| ("shadow", name)));
        let others = others.filter(|(_, name)| !fits(name));
        let others = others.map(|(key, name)| (key.to_owned(), format!("`{name}`: {wanted}")));
        // `decisions --policy NAME` refers to one of them.
        let taken = |name: &String| *name == self.name || self.compare.contains_key(name);
        let duplicates = self.shadow.keys().filter(|name| taken(name)).map(|name| {
            let text = format!("`{name}` is the name of another policy of this pipeline");
            ("shadow".to_owned(), text)
        });
        own.into_iter().chain(others).chain(duplicates).collect()
    }

    fn check_evaluation(&self) -> Option<(String, String)> {
        let empty = self.evaluation.interval.is_some_and(|interval| interval.millis() <= 0);
        let text = "an interval must be longer than zero";
        empty.then(|| ("evaluation.interval".to_owned(), text.to_owned()))
    }

    fn check_downsampling(&self) -> Vec<(String, String)> {
        let own = ("downsampling".to_owned(), self.downsampling.as_ref());
        let compared = self.compare.iter().map(|(name, compared)| {
            (format!("compare.{name}.downsampling"), compared.downsampling.as_ref())
        });
        let check = |(table, downsampling): (String, Option<&Downsampling>)| {
            let found = downsampling.map(Downsampling::check).unwrap_or_default();
            found.into_iter().map(move |(key, text)| (format!("{table}.{key}"), text))
        };
        let tables: Vec<_> = std::iter::once(own).chain(compared).collect();
        let classes = self.model.classes();
        let irreducible_models = tables.iter().filter_map(|(table, downsampling)| {
            let model = downsampling.as_ref()?.irreducible.as_ref()?.model.as_ref()?;
            let text =
                format!("it has {} classes, the pipeline's model has {classes}", model.classes());
            let path = format!("{table}.irreducible.model");
            (model.classes() != classes).then_some((path, text))
        });
        let irreducible_models: Vec<_> = irreducible_models.collect();
        tables.into_iter().flat_map(check).chain(irreducible_models).collect()
    }

    fn check_sink(&self) -> Option<(String, String)> {
        let lacking = self.sink.kafka.as_ref().is_some_and(|sink| sink.brokers.is_none());
        let text = "name the brokers: brokers = \"localhost:9092\"";
        lacking.then(|| ("sink.kafka".to_owned(), text.to_owned()))
    }

    fn check_keyed(&self) -> Vec<(String, String)> {
        let (order, keyed) = (&self.order, self.source.keyed());
        let mut problems = Vec::new();
        if keyed.is_some() && order.out_of_orderness.millis() > 0 {
            let text =
                "keyed samples replace each other in the order of their offsets: wanted \"0s\"";
            problems.push(("order.out_of_orderness".to_owned(), text.to_owned()));
        }
        if !self.on_delete.is_keep() && keyed.is_none() {
            let text = "samples are deleted by their keys: this source has none";
            problems.push(("on_delete".to_owned(), text.to_owned()));
        }
        if order.label_wait.millis() > 0 && !keyed.is_some_and(|keyed| keyed.labels) {
            let text = "there is no topic of labels to wait for: [source.kafka.labels]";
            problems.push(("order.label_wait".to_owned(), text.to_owned()));
        }
        problems
    }

    fn check_limits(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if self.order.time_range.is_some_and(|range| range.from > range.to) {
            let text = "`from` is after `to`: every sample would be rejected";
            problems.push(("order.time_range".to_owned(), text.to_owned()));
        }
        if let Some(threads) = self.training.threads.filter(|threads| threads.get() > MAX_THREADS) {
            let text = format!("{threads} threads: wanted at most {MAX_THREADS}");
            problems.push(("training.threads".to_owned(), text));
        }
        problems
    }

    fn check_samples(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        match (self.source.needs_codec(), &self.codec) {
            (true, None) => problems.push((
                format!("source.{}", self.source.key()),
                "its messages are bytes: name a codec that decodes them, as in [codec.json]".into(),
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
