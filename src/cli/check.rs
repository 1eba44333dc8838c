//! The `check` command: checks a pipeline file.

use clap::Args;

use super::arguments::File;
use super::output::print;
use crate::config::ConfigError;

#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    file: File,
    /// Answer with one JSON object on stdout
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        let file = self.file.file.display().to_string();
        match self.file.load() {
            Ok(pipeline) if self.json => print(
                &serde_json::json!({ "file": file, "ok": true, "pipeline": pipeline }).to_string(),
            ),
            Ok(pipeline) => {
                print(&format!("`{file}` is a pipeline, `{}`: no problems", pipeline.name))
            }
            Err(error) => {
                if let (true, Some(refused)) = (self.json, error.downcast_ref::<ConfigError>()) {
                    let problems = &refused.problems;
                    let answer =
                        serde_json::json!({ "file": file, "ok": false, "problems": problems });
                    print(&answer.to_string())?;
                }
                Err(error)
            }
        }
    }
}
