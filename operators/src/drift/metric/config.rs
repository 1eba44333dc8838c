//! The configuration of metrics that differ only in what they measure.

/// Defines the configuration of a metric: its threshold and further fields. `metric` creates the metric
/// from the configuration.
macro_rules! metric_config {
    ($(#[$about:meta])* $Name:ident {
        $(#[$threshold:meta])*
        threshold,
        $($(#[$about_field:meta])* $field:ident: $Field:ty,)*
    }
    metric: |$config:ident| $metric:expr,
    has_null_distribution: $known:literal) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $Name {
            $(#[$threshold])*
            pub threshold: $crate::criterion::Criterion,
            $($(#[$about_field])* pub $field: $Field,)*
        }

        impl $crate::drift::metric::MetricConfig for $Name {
            fn init(&self) -> Box<dyn $crate::drift::metric::Metric> {
                let $config = self;
                Box::new($metric)
            }

            fn threshold(&self) -> &$crate::criterion::Criterion {
                &self.threshold
            }

            fn has_null_distribution(&self) -> bool {
                $known
            }
        }
    };
}
pub(super) use metric_config;
