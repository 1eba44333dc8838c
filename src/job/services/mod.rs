//! Services of the operators: training, model queries and scoring.

pub(super) mod feature_store;
pub(super) mod model_queries;
pub(super) mod reads;
pub(super) mod reply_sender;
pub(super) mod scorer;
pub(super) mod trainer;
pub(super) mod training;
pub(super) mod training_result;
