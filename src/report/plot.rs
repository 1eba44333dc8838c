//! Plots of scores, thresholds and triggers over event time.

use std::path::Path;
use std::sync::Once;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};
use thiserror::Error;

use super::text::{fine, moment};

/// A panel of a plot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panel {
    /// Its title.
    pub title: String,
    /// The name of the metric.
    pub scale: String,
    /// Values in the order of time.
    pub points: Vec<Point>,
    /// Event times of decisions, in milliseconds since 1970.
    pub triggers: Vec<i64>,
}

/// A value at a point in event time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Milliseconds since 1970.
    pub time: i64,
    /// The value.
    pub value: f64,
    /// The threshold that it was compared with.
    pub threshold: Option<f64>,
    /// Whether the value exceeds it.
    pub fires: bool,
}

/// The error if a plot cannot be drawn.
#[derive(Debug, Error)]
pub enum PlotError {
    /// The name of the file does not end in a known format.
    #[error("`{0}`: wanted a name that ends in {1}")]
    Format(String, &'static str),
    /// The samples are not images.
    #[error("samples of shape {0:?} are not images: wanted one or three channels, height, width")]
    NoImages(Vec<usize>),
    /// There is nothing to draw.
    #[error("no policy has decided or evaluated anything yet: there is nothing to draw")]
    Empty,
    /// The file cannot be written.
    #[error("writing `{path}`")]
    Io {
        /// The file.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The picture cannot be encoded.
    #[error("drawing: {0}")]
    Drawing(String),
}

/// The size of a picture in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct PixelSize {
    pub(super) width: u32,
    pub(super) height: u32,
}

const WIDTH: u32 = 1200;
const HEIGHT: u32 = 280;
const FONT: &str = "sans-serif";

const SCORE: RGBColor = RGBColor(31, 97, 168);
const LIMIT: RGBColor = RGBColor(120, 120, 120);
const TRIGGER: RGBColor = RGBColor(214, 96, 30);

/// Draws panels below each other, with a common axis of event time. The file's extension selects SVG or
/// PNG.
///
/// # Errors
/// When the extension is unknown, there is nothing to draw, or the file cannot be written.
pub fn draw(panels: &[Panel], path: &Path) -> Result<(), PlotError> {
    static FONTS: Once = Once::new();
    FONTS.call_once(|| {
        // viewers of an SVG file substitute a similar font.
        let light = epaint_default_fonts::UBUNTU_LIGHT;
        assert!(register_font(FONT, FontStyle::Normal, light).is_ok(), "the font is a font");
    });
    let size = PixelSize { width: WIDTH, height: HEIGHT * panels.len() as u32 };
    let extent = (size.width, size.height);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => {
            let mut text = String::new();
            draw_all(panels, &SVGBackend::with_string(&mut text, extent).into_drawing_area())?;
            write(text.as_bytes(), path)
        }
        Some("png") => {
            let mut pixels = vec![255; size.width as usize * size.height as usize * 3];
            let canvas = BitMapBackend::with_buffer(&mut pixels, extent).into_drawing_area();
            draw_all(panels, &canvas)?;
            drop(canvas);
            write_png(&pixels, size, path)
        }
        _ => Err(PlotError::Format(path.display().to_string(), ".svg or .png")),
    }
}

fn write(bytes: &[u8], path: &Path) -> Result<(), PlotError> {
    let failed = |source| PlotError::Io { path: path.display().to_string(), source };
    std::fs::write(path, bytes).map_err(failed)
}

/// Writes pixels of three bytes, row after row, to a PNG file.
pub(super) fn write_png(pixels: &[u8], size: PixelSize, path: &Path) -> Result<(), PlotError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.width, size.height);
    encoder.set_color(png::ColorType::Rgb);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels));
    written.map_err(|error| PlotError::Drawing(error.to_string()))?;
    write(&bytes, path)
}

fn draw_all<B: DrawingBackend>(
    panels: &[Panel],
    canvas: &DrawingArea<B, Shift>,
) -> Result<(), PlotError> {
    let failed = |error: DrawingAreaErrorKind<B::ErrorType>| PlotError::Drawing(error.to_string());
    let times = |panel: &Panel| {
        let points = panel.points.iter().map(|point| point.time);
        points.chain(panel.triggers.iter().copied()).collect::<Vec<_>>()
    };
    let times: Vec<i64> = panels.iter().flat_map(times).collect();
    let ends = times.iter().min().copied().zip(times.iter().max().copied());
    let (first, last) = ends.ok_or(PlotError::Empty)?;
    let fine = fine(times.iter().copied());
    // a single point in time has no extent.
    let time = (first - i64::from(first == last))..(last + 1);
    canvas.fill(&WHITE).map_err(failed)?;
    for (panel, area) in panels.iter().zip(canvas.split_evenly((panels.len(), 1))) {
        draw_panel(panel, &area, time.clone(), fine).map_err(failed)?;
    }
    canvas.present().map_err(failed)
}

fn draw_panel<B: DrawingBackend>(
    panel: &Panel,
    area: &DrawingArea<B, Shift>,
    time: std::ops::Range<i64>,
    fine: bool,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let (low, high) = range(panel);
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.title, (FONT, 18))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(72)
        .build_cartesian_2d(time, low..high)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(LIMIT.mix(0.15))
        .axis_style(LIMIT.mix(0.6))
        .label_style((FONT, 13))
        .x_labels(8)
        .y_labels(6)
        .y_desc(&panel.scale)
        .x_label_formatter(&|time| moment(*time, fine))
        .y_label_formatter(&|value| number(*value, high - low))
        .draw()?;
    let lines = panel.triggers.iter().map(|time| {
        let style = TRIGGER.mix(0.45).stroke_width(1);
        PathElement::new(vec![(*time, low), (*time, high)], style)
    });
    chart.draw_series(lines)?;
    // values without a threshold leave a gap in its line.
    for points in panel.points.chunk_by(|a, b| a.threshold.is_some() == b.threshold.is_some()) {
        let points = points.iter().filter_map(|point| Some((point.time, point.threshold?)));
        chart.draw_series(LineSeries::new(points, LIMIT.stroke_width(2)))?;
    }
    let values = panel.points.iter().map(|point| (point.time, point.value));
    chart.draw_series(LineSeries::new(values, SCORE.stroke_width(2)))?;
    let fired = panel.points.iter().filter(|point| point.fires);
    let dot = |point: &Point| Circle::new((point.time, point.value), 4, TRIGGER.filled());
    chart.draw_series(fired.map(dot))?;
    Ok(())
}

/// A short label for a value on an axis of this length.
fn number(value: f64, length: f64) -> String {
    match length {
        1e5.. => format!("{value:.1e}"),
        10.0..1e5 => format!("{value:.0}"),
        0.1..10.0 => format!("{value:.2}"),
        1e-3..0.1 => format!("{value:.4}"),
        _ => format!("{value:.1e}"),
    }
}

/// The range of values, with a margin at both ends.
fn range(panel: &Panel) -> (f64, f64) {
    let values =
        panel.points.iter().flat_map(|point| [Some(point.value), point.threshold]).flatten();
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((0.0_f64, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if high <= low {
        return (low, low + 1.0);
    }
    let room = (high - low) * 0.05;
    (if low < 0.0 { low - room } else { low }, high + room)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(points: usize) -> Panel {
        let point = |i: usize| Point {
            time: i as i64 * 86_400_000,
            value: (i as f64).sin(),
            threshold: (i > 5).then_some(0.5),
            fires: i > 5 && (i as f64).sin() > 0.5,
        };
        Panel {
            title: "name: drift".into(),
            scale: "mmd".into(),
            points: (0..points).map(point).collect(),
            triggers: vec![0, 86_400_000],
        }
    }

    #[test]
    fn both_formats_are_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let panels = [panel(40), panel(0), panel(1)];
        let svg = folder.path().join("a.svg");
        draw(&panels, &svg).expect("it is drawn");
        let text = std::fs::read_to_string(svg).expect("it is there");
        assert!(text.starts_with("<svg ") && text.contains("name: drift"));
        // each point that fires has its dot.
        assert_eq!(
            text.matches("<circle").count(),
            panel(40).points.iter().filter(|p| p.fires).count()
        );
        let png = folder.path().join("a.png");
        draw(&panels, &png).expect("it is drawn");
        let file = std::io::BufReader::new(std::fs::File::open(png).expect("it is there"));
        let reader = png::Decoder::new(file).read_info().expect("it is a PNG");
        assert_eq!((reader.info().width, reader.info().height), (WIDTH, 3 * HEIGHT));
    }

    #[test]
    fn undrawable_input_is_reported() {
        let folder = tempfile::tempdir().expect("a folder");
        let jpeg = draw(&[panel(4)], &folder.path().join("a.jpeg"));
        assert!(jpeg.is_err_and(|error| error.to_string().contains(".svg or .png")));
        let empty = draw(&[], &folder.path().join("a.svg"));
        assert!(matches!(empty, Err(PlotError::Empty)));
        let nowhere = draw(&[panel(4)], &folder.path().join("none/a.svg"));
        assert!(matches!(nowhere, Err(PlotError::Io { .. })));
    }
}
