//! Properties of the portraits stream. Simple statistics cannot separate its classes. A model from before
//! the change fails after it, and a model from after the change fails on the early years.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::channel;

use driftmill::train::{
    FeatureStore, FeatureStoreError, Runtime, ScoreJob, TrainJob, Trained, TrainingRow, Weights,
};
use driftmill_datasets::generate::{GeneratorConfig, Portraits};
use driftmill_datasets::{Columns, Schema, Values};
use driftmill_operators::Id;

use crate::toy::{model, receive, training};

crate::suite::tests! {
    only_the_change_of_the_stream_makes_a_model_worse,
}

/// The whole stream in memory.
struct Stream {
    schema: Schema,
    columns: Columns,
}

impl FeatureStore for Stream {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn gather(&self, ids: &[Id], values: &mut Values) -> Result<(), FeatureStoreError> {
        let (Values::U8(values), Values::U8(all)) = (values, &self.columns.values) else {
            unreachable!("portraits are bytes")
        };
        for id in ids {
            let row = id.offset() as usize * self.schema.width();
            values.extend_from_slice(&all[row..][..self.schema.width()]);
        }
        Ok(())
    }
}

/// Samples of some years: every second one, beginning with the first or the second.
struct Years {
    ids: Vec<Id>,
    labels: Vec<u32>,
}

impl Stream {
    fn years(&self, years: Range<i64>, half: usize) -> Years {
        let millis = |year: i64| (year - 1970) * 31_556_952_000;
        let within = millis(years.start)..millis(years.end);
        let chosen: Vec<usize> = (0..self.columns.len())
            .filter(|row| within.contains(&self.columns.times[*row].unwrap()))
            .skip(half)
            .step_by(2)
            .collect();
        Years {
            ids: chosen.iter().map(|row| Id::new(0, 0, *row as u64)).collect(),
            labels: chosen.iter().map(|row| self.columns.labels[*row].unwrap()).collect(),
        }
    }
}

fn train(runtime: &Runtime, years: &Years) -> Trained {
    let row = |(id, label): (&Id, &u32)| TrainingRow { id: *id, label: *label, weight: 1.0 };
    let rows = years.ids.iter().zip(&years.labels).map(row).collect();
    let (send, receiver) = channel();
    let job = TrainJob { rows, start: None, seed: 0, first: true, ..TrainJob::default() };
    runtime.train(job, |_| {}, move |trained| send.send(trained).unwrap());
    receive("the runtime", &receiver).unwrap()
}

fn accuracy(runtime: &Runtime, weights: &Weights, years: &Years) -> f64 {
    let (send, receiver) = channel();
    let (ids, labels) = (years.ids.clone(), years.labels.clone());
    let job = ScoreJob { weights: weights.clone(), ids, labels };
    runtime.score(job, move |scores| send.send(scores).unwrap());
    let scores = receive("the runtime", &receiver).unwrap();
    let right =
        scores.iter().zip(&years.labels).filter(|(score, label)| score.predicted == **label);
    right.count() as f64 / scores.len() as f64
}

fn only_the_change_of_the_stream_makes_a_model_worse() {
    let config: Portraits = toml::from_str("seed = 7").unwrap();
    let mut columns = Columns::new(config.schema());
    config.init().unwrap().fill(0..config.len(), &mut columns);
    let stream = Arc::new(Stream { schema: config.schema(), columns });
    let options = "epochs = 8\naverage = 0.5\n[optimizer.adamw]\nlearning_rate = 3e-3";
    let start =
        |table: &str| Runtime::start(model(table), training(options), stream.clone()).unwrap();
    let network = start("[yearbook_net]\nchannels = [8, 16, 32]\nhidden = 32");
    let linear = start("[mlp]\nhidden = []");
    let [early, late] = [1955..1967, 1978..1990];
    let before = train(&network, &stream.years(early.clone(), 0)).weights;
    let after = train(&network, &stream.years(late.clone(), 0)).weights;
    let pixels = train(&linear, &stream.years(early.clone(), 0)).weights;

    let [early, late] = [early, late].map(|years| stream.years(years, 1));
    let own = accuracy(&network, &before, &early);
    assert!(own > 0.88, "the network reaches {own} in its own time");
    let trick = accuracy(&linear, &pixels, &early);
    assert!(trick < own - 0.05, "a linear model on pixels reaches {trick}, the network {own}");
    let failed = accuracy(&network, &before, &late);
    assert!(failed < own - 0.15, "made before the change, {failed} after it");
    let forgotten = accuracy(&network, &after, &early);
    assert!(forgotten < own - 0.15, "made after the change, {forgotten} before it");
}
