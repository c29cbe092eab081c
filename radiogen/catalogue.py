"""The catalogue of error codes: what each means, why it matters, how to mend it.

``docs/errors.md`` is generated from this table.  Hundreds: 1 the YAML,
2 tables and ids, 3 markers and mutations, 4 endpoints and predictors,
5 images, 6 splits, 7 analyses, 8 reports and files written, 9 the installation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Entry:
    """One code: its title, its meaning, the usual fix and its usual severity."""

    title: str
    meaning: str
    fix: str
    severity: Literal["error", "warning", "note"] = "error"


def _warning(title: str, meaning: str, fix: str) -> Entry:
    return Entry(title, meaning, fix, "warning")


def _note(title: str, meaning: str, fix: str) -> Entry:
    return Entry(title, meaning, fix, "note")


_YAML = {
    "RG101": Entry("The YAML cannot be parsed", "The file is not valid YAML 1.2.", "Mend the line named; most often it is indentation, an unclosed quote or a missing space after a colon."),
    "RG102": Entry("Unknown key", "A key that the format does not have. It is refused rather than skipped, because a misspelt option that is silently ignored changes the result.", "Correct the spelling or delete the key; `radiogen schema` prints all keys."),
    "RG103": Entry("Duplicate key", "The same key stands twice in one mapping; most readers silently keep the last.", "Keep one of the two."),
    "RG104": Entry("Wrong type or value", "The value is not of the kind the key takes.", "Give a value of the kind named; `radiogen schema` prints the format."),
    "RG105": Entry("Required key missing", "The format needs this key.", "Add the key; docs/cohort-format.md shows an example."),
    "RG106": Entry("Path outside the folder", "A path in the YAML leads out of the YAML's folder (or the folder given by --data). That is refused so that a cohort file from elsewhere cannot read other files.", "Move the file into the folder, or allow it: `allow_outside: true` in the YAML, or --allow-outside."),
    "RG107": Entry("Format version not supported", "`radiogen: N` names a version of the file format that this release does not read.", "Write `radiogen: 1`, or install a newer radiogen."),
    "RG108": Entry("Cohort file or data folder not found", "There is no such YAML file, or no such folder as --data names.", "Check the path; `radiogen init FOLDER` writes a commented example."),
    "RG109": Entry("Reference to something not defined", "An analysis, rule or split names a target, endpoint, input or column that the cohort does not define.", "Use one of the names listed, or define it."),
}

_TABLES = {
    "RG201": Entry("File missing", "A file named in the YAML does not exist.", "Check the spelling and the folder; with data elsewhere, give --data FOLDER."),
    "RG202": Entry("Table cannot be read", "The file is not a readable table of its kind.", "Declare `format`, `delimiter`, `encoding` or `sheet`, or save the file again."),
    "RG203": Entry("Column missing", "A column named in the YAML is not in the table.", "Use one of the table's columns; upper and lower case count."),
    "RG204": Entry("Duplicate patient or unit", "An id stands in more than one row of a table that must have one row per id.", "Remove the duplicate, or declare the table as one with visits, lesions or repeats."),
    "RG205": Entry("Orphan lesion", "A lesion belongs to a patient who is not in the patient table.", "Add the patient or correct the lesion's patient id."),
    "RG206": Entry("Id with lost leading zeros", "An id matches another table only after leading zeros are added or removed; spreadsheets drop them.", "Restore the zeros in the table named; ids are compared as text."),
    "RG207": Entry("Id with stray spaces", "An id has spaces or invisible characters before or after it.", "Remove them in the file; ids are compared as text."),
    "RG208": Entry("Id written in two ways", "Two ids differ only in upper and lower case, spaces, separators, or characters that look alike (full width, kinds of dash, Cyrillic letters).", "Write the id in one way everywhere."),
    "RG209": Entry("Empty id", "A row has no id.", "Fill in the id or remove the row."),
    "RG210": Entry("Duplicate column", "A table has two columns of the same name.", "Rename or remove one."),
    "RG211": Entry("Text in a numeric column", "Most values of the column are numbers and some are not.", "Correct the value, add it to `missing:` of the table, or declare the column in `types: {column: categorical}`."),
    "RG212": Entry("Undeclared missing value", "A value looks like a code for missing but is not declared as one; taken as a category or number it would be wrong.", "Add it to `missing:` of the table, or list it in `levels:` of the column if it is a real category."),
    "RG213": _warning("Ids unknown to the cohort", "Rows of this table carry ids that the first table does not have; they are left out.", "Check whether the ids are written in the same way; otherwise nothing is to be done."),
    "RG214": Entry("No id in common", "None of the ids of this table is in the cohort.", "Name the right id column, or give `id_pattern`, a regular expression whose group is the patient's id."),
    "RG215": Entry("Same column in two tables", "Two tables bring a column of the same name.", "Rename one with `rename: {old: new}` of its table."),
    "RG216": Entry("REDCap rows not declared", "The export has several events or repeat instances for a patient and the YAML does not say which to use.", "Declare `event:` and `repeat:` (first, last or a number) of the table."),
    "RG217": Entry("Decimal comma", "Numbers are written with a decimal comma and `decimal` is not declared.", "Add `decimal: \",\"` to the table."),
    "RG218": _warning("Constant or empty predictor", "A predictor has one value only, or none.", "Remove it from `predictors`."),
    "RG219": Entry("Impossible number", "A value is infinite or cannot be represented.", "Correct the value."),
    "RG220": Entry("Empty table", "The table has a header and no rows, or all rows were left out.", "Check the file and the rules of exclusion."),
    "RG221": Entry("Category not declared", "A value is not among the declared `levels`.", "Correct the value, `recode` it, add it to `levels` (`classes`, `ordered`), or to `missing` of the table if it means not known."),
    "RG222": Entry("Id that is no id", "An id is a code for missing, a row of totals, or what a spreadsheet has made of an id: a date, or a long number such as 1.2E+16.", "Correct the id or remove the row; format the column as text before a spreadsheet opens it."),
    "RG223": Entry("Predictor that identifies patients", "A predictor is the id, or a text that differs in nearly every patient, such as a name or a date. A model can only learn the patients by heart from it.", "Remove it from `predictors`; turn dates into numbers, such as an age. If its categories are meant, list them in `levels`."),
    "RG224": _warning("Rows without the declared event or visit", "Rows of a table do not belong to the event, repeat or visit that is used, so that some patients have nothing in it.", "Check `event:` and `repeat:` of the table, or `visits: {baseline: …}`; otherwise nothing is to be done."),
    "RG225": _note("Columns that are no features", "Columns of a feature table are left out: they hold text or have no name.", "Nothing, or name the columns in `use:`."),
    "RG226": _warning("Several rows of one unit", "A feature table has several rows for a unit; they become one row.", "Nothing if they are repeated measurements; `aggregate:` says how they become one."),
    "RG227": _warning("Number that looks like a code for missing", "A numeric predictor holds 999, -9 or the like, far from all its other values; taken as a number it would be a wrong result.", "Add it to `missing:` of the table if it means not known."),
    "RG228": Entry("Repeated measurements not usable", "A table of repeated measurements names one measurement of a unit twice, or has no unit that was measured twice.", "Give at least two rows of each unit, each with its own `repeat`."),
}

_MARKERS = {
    "RG301": Entry("Two units in one marker column", "Some values fit one unit and some another, such as `20%` beside `0.2`.", "Split the column or convert the values; the unit is declared once per column."),
    "RG302": Entry("Marker value not understood", "The value is not one of the forms that the declared unit allows.", "Correct the value, `recode` it, or add it to `missing`."),
    "RG303": Entry("Marker value out of range", "The value is outside the range of the declared unit.", "Correct the value or the unit."),
    "RG304": _note("HER2 2+ without ISH", "HER2 immunohistochemistry 2+ is not decided without in-situ hybridisation: HER2 is not known for these patients.", "Add the ISH result where there is one."),
    "RG305": _warning("HER2 IHC and ISH disagree", "IHC and ISH point in opposite directions; the ASCO/CAP 2018 rule asks for a review.", "Check the source. IHC decides: 0 and 1+ count as negative and 3+ as positive whatever ISH says (docs/cohort-format.md)."),
    "RG306": Entry("Unit of a marker not declared", "The YAML does not say how the column is written.", "Add `unit: percent`, `allred`, `status`, … to the marker."),
    "RG307": Entry("Percent declared, fractions found", "All values of a percent column lie between 0 and 1, so that they are probably fractions.", "Declare `unit: fraction`, or `unit: percent` with `confirm: true` if they really are below 1 %."),
    "RG308": _note("Status without a percentage", "A range or a limit such as `<1` lies on one side of the cut: the status of ER or PR is known and the percentage is not.", "Nothing if the status is enough; for percentages declare `below:` or `ranges:` of the marker."),
    "RG310": Entry("Mutations without a tested list", "A list of mutations names only who is mutated. Without the list of who was tested, absent could mean wild type or not tested.", "Give `sequenced:` (a table or list of tested patients), or declare `absent_is: wild_type` or `absent_is: not_tested`."),
    "RG311": _warning("Gene never mutated", "A gene asked for has no mutated patient.", "Check the gene's symbol; nothing can be learnt about it."),
    "RG312": Entry("Mutated but not tested", "A patient has a mutation in a gene that the tested list says was not tested.", "Correct the tested list."),
    "RG313": Entry("Mutation value not understood", "A cell of a wide mutation table is none of 0/1, WT/MUT, HGVS text or an allele frequency.", "Correct the value, or declare `values:` or `missing:`."),
    "RG314": _note("Duplicated mutation row", "The same change of the same gene stands twice for one patient; it is counted once.", "Nothing, or remove the row."),
    "RG315": Entry("Allele frequency without a threshold", "The cells are variant allele frequencies and the YAML does not say from which frequency on a gene counts as mutated.", "Add `vaf_min: 0.05` (or your threshold) to `mutations`."),
    "RG316": _note("Silent mutation left out", "Synonymous or non-coding changes do not count as mutated.", "To count them, list the classes in `mutations: {keep_classes: […]}`."),
    "RG317": _note("Gene symbol in another spelling", "A gene symbol differs from the one asked for only in case or spaces; it is taken as the same gene.", "Nothing, or write the symbol in one way."),
}

_ENDPOINTS = {
    "RG401": Entry("Event values undeclared", "The YAML does not say which values of the status column mean event and which censored. {0, 1}, {1, 2} and text are all in use, so this is never guessed.", "Add `event_values: […]` and `censor_values: […]` (for competing risks `codes:`, for binary `positive:` and `negative:`)."),
    "RG402": Entry("Negative time", "A follow-up time is below 0.", "Correct the time, or the dates that it was computed from."),
    "RG403": Entry("Zero time", "A follow-up time is 0: such a patient is in no risk set.", "Correct it, or declare `zero_time: exclude` in the endpoint (a ledger line says who)."),
    "RG404": Entry("Text in a time column", "A follow-up time is not a number.", "Correct it, or add the text to `missing:` of the table."),
    "RG405": Entry("Event before origin", "The date of the event or of last contact lies before the date of origin.", "Correct the dates."),
    "RG406": Entry("Status value not declared", "The status column holds a value that is neither an event nor a censoring value.", "Declare it, or add it to `missing:` of the table."),
    "RG407": _note("Time or status missing", "One of time and status is missing; the patient is not in analyses of this endpoint.", "Fill in the value where it is known."),
    "RG408": Entry("Predictor equals or determines the endpoint", "A predictor is a copy or a recoding of the endpoint, or splits it without a single error. Such a model is a leak, not a result.", "Remove the predictor, or name it in `accept_predictors` if it really is known beforehand."),
    "RG409": Entry("Excluded predictor used", "A column named in `exclude_predictors` is also used as a predictor.", "Remove it from one of the two lists."),
    "RG410": Entry("Endpoint without events or with one class", "There is no event, or all patients are in one class.", "Check the declared values."),
    "RG411": Entry("Unit of time not declared", "A survival endpoint must say in which unit its times are.", "Add `unit: days`, `weeks`, `months` or `years`."),
    "RG412": Entry("Date cannot be read", "A value of a date column is not a date of the declared form.", "Write dates as YYYY-MM-DD or declare `date_format`; a placeholder such as 9999-12-31 belongs in `missing:` of the table."),
    "RG413": _warning("Times suggest another unit", "The longest follow-up is not plausible in the declared unit.", "Check `unit` of the endpoint."),
}

_IMAGES = {
    "RG501": Entry("Image missing", "A manifest names an image file that does not exist.", "Check the path; it resolves beside the manifest or in `image_dir`."),
    "RG502": Entry("Unreadable image", "The file is not an image, is truncated, or is of a kind that is not read.", "Export the image again."),
    "RG503": Entry("Mask missing", "A manifest names a mask file that does not exist.", "Check the path, or leave the cell empty if there is no mask."),
    "RG504": Entry("Mask and image of different size", "Mask and image must have the same rows and columns.", "Export the mask at the image's size, or declare `resize: nearest` in the modality."),
    "RG505": Entry("Empty mask", "The mask has no pixel that is not zero.", "Draw the region, or set the image aside with `exclude:`."),
    "RG506": Entry("Near-duplicate images with different labels", "Two images are the same picture and their units carry different labels.", "Correct the label or remove one of the two."),
    "RG507": _warning("Near-duplicate images", "Two units share what is nearly the same picture; they are kept in one fold.", "Check whether the two are the same patient."),
    "RG508": Entry("Image too large", "Rows × columns × frames are above the cap; decoding it could exhaust the memory.", "Crop or resample the image."),
    "RG509": Entry("Spacing not understood", "Pixel spacing must be a positive number of millimetres.", "Correct the value; leave it empty where it is not known."),
    "RG510": Entry("Region too small", "The region of interest has too few pixels for texture.", "Check the mask; the image's row is missing."),
    "RG511": Entry("Image kind not supported", "The image is in a mode that has no grey values (colour where grey is needed, or a palette).", "Export it as 8-bit or 16-bit grey."),
    "RG512": _warning("Coloured marks on a grey image", "A grey picture carries a few coloured pixels (calipers, a logo); they were taken by their luminance.", "Nothing, if the marks lie outside the region; otherwise export the picture without them."),
    "RG513": _note("Pixel spacing not known", "Without millimetres per pixel every feature with a physical unit is missing, and filter widths count pixels.", "Add a column `spacing_mm` to the manifest, or export DICOM with its calibration."),
    "RG514": _note("Image read with a remark", "The image was read, and something of what the file holds was not used.", "Nothing, if the remark is what you expect."),
    "RG515": _warning("Region covers nearly the whole image", "More than 95 % of the pixels are lesion, or more than half with all four sides of the picture; most often the mask is inverted or holds label values of which only one is the lesion.", "Invert the mask where it is inverted, or declare `mask_label`."),
    "RG516": Entry("Features could not be computed", "The engine gave up on this image; the message is its own.", "Check image and mask; if both are right, report it with the image's size and the settings."),
    "RG517": Entry("Mask is the image", "The manifest names one file as image and as mask.", "Name the mask's file, or leave the cell empty if there is no mask."),
    "RG518": Entry("Calibration does not fit the image", "A calibrated region of the DICOM file lies beyond its image: the picture was cropped or resized after calibration, so that its millimetres per pixel are wrong.", "Export the original, declare the true spacing in `spacing_mm`, or declare `calibration: ignore` in the modality (features in mm are missing then)."),
    "RG519": Entry("Colour bar not found", "Colours become values by the colour bar of the same image, and no bar was found.", "Declare its place: `bar: [top, bottom, left, right]` in pixels from 0, or export the picture with its bar."),
    "RG520": Entry("Scale of the colours not declared", "The file does not say which value the end of the colour bar stands for, and that is never read off the picture.", "Declare `scale_max` (and `scale_min` where it is not 0) in the modality, or a column `scale_max` of the manifest, with `unit`."),
    "RG521": _warning("Pixels that could not be decoded", "Part of the region has colours that are not on the colour bar (text, cross-hairs, no colour at all); these pixels are left out.", "Nothing if the share is small; otherwise check the colour bar, the opacity and the region."),
    "RG522": Entry("Region outside the measured field", "The region of interest has no pixel of the overlay or pane that carries the measurement.", "Check the mask, or the pane's place."),
    "RG523": Entry("Spectrum not calibrated", "A pulsed-wave spectrum needs cm/s per row, seconds per column and the row of the baseline.", "Export DICOM with its regions, or declare `cm_s_per_px`, `s_per_px` and `baseline_row` in the modality."),
    "RG524": _warning("Spectrum not measurable", "No whole heart beat, or no envelope, could be traced; the indices are missing.", "Check the picture; a strip with at least two beats is needed."),
    "RG525": Entry("Times of the frames not known", "A time-intensity curve needs the time of every frame, and the file does not have it.", "Declare `frame_interval_ms` in the modality or the manifest, or export DICOM with its frame times."),
    "RG526": _warning("Curve not measurable", "The time-intensity curve has no wash-in that a model can describe (flat, or at its peak in the first frame); its parameters are missing.", "Check the loop: it must begin before the contrast arrives and go beyond the peak."),
    "RG527": _warning("Amplitudes are relative", "The dynamic range of the loop's log compression is not declared, so that grey values cannot be made linear; amplitudes are relative, the peak comes late, and transit times and areas mean nothing.", "Declare `dynamic_range_db` in the modality."),
    "RG528": _warning("Doubtful image quality", "Something in the picture disturbs its measurement: out of focus, saturated, poor in contrast, or text or calipers over the lesion.", "Look at the image; measure an export without marks, or take its row out of the manifest."),
    "RG529": _note("Masks drawn automatically", "Masks of this modality were drawn by `radiogen segment` and not by a reader.", "State it where results are published."),
    "RG530": Entry("Image could not be segmented", "No outline was found from the box or point given, or there is neither a box nor a trained network.", "Draw the mask, or correct the box (`top bottom left right`, in pixels from 0) or point (`row column`)."),
    "RG531": Entry("Polygon file not understood", "The JSON file is not a LabelMe annotation with polygons, or has none of the label asked for.", "Export it from LabelMe again, or declare `mask_label`."),
    "RG532": Entry("Loop where a still is needed, or a still where a loop is", "The modality measures the other kind of picture.", "Name the right file; a frame can be saved as a still, a contrast examination as a DICOM loop."),
    "RG533": _warning("Motion could not be corrected", "Frames of the loop lie so far from the first that they were left out of the curve.", "Check the loop; `motion: none` measures it as it is."),
}

_SPLITS = {
    "RG601": Entry("Patient on both sides of a split", "Lesions or images of one patient stand in both development and external data.", "Assign the whole patient to one side."),
    "RG602": Entry("External group not found", "The level named under `split: external` does not occur, or it takes all patients.", "Use one of the levels listed."),
    "RG603": Entry("Too few units to split", "A class has fewer units than there are folds.", "Use fewer folds, merge classes or leave the analysis out."),
}

_ANALYSES = {
    "RG701": Entry("Too few patients for the analysis", "After the exclusions too few units or events are left.", "See the flow of exclusions; widen the inputs or leave the analysis out."),
    "RG702": Entry("Unknown model", "There is no model of this name.", "Use one of the names listed."),
    "RG703": Entry("Target of the wrong kind", "The analysis cannot use a target of this kind.", "Use a target of the kind named."),
    "RG704": Entry("Model did not converge", "The fit did not converge or the likelihood has no maximum.", "See the column named: it is collinear, separates the outcome or is constant."),
    "RG705": Entry("Array not usable", "An argument has the wrong length, is not finite or has the wrong values.", "Give arrays of one length with the values named."),
    "RG706": Entry("No features", "The modality has images and no features yet.", "Run `rg.extract(cohort)` or `radiogen extract cohort.yaml` first."),
    "RG707": _warning("Term not estimable", "A column is a linear combination of others, constant, or separates the outcome; its effect is shown as not estimable.", "Remove one of the columns named."),
    "RG708": Entry("Argument out of range", "An option has a value that makes no sense.", "Use a value in the range named."),
    "RG709": Entry("Batch not known from training", "Harmonisation met a scanner or centre, or a feature in one, that the training units lack; what it adds to the features is not known.", "Leave such units out, or declare `unseen: estimate`, which learns it from their own unlabelled features."),
    "RG710": Entry("Batch cannot be told from a covariate", "A covariate of the harmonisation is constant or follows from the batch or from other covariates, so that their effects cannot be separated.", "Leave the covariate out, or merge batches."),
    "RG720": Entry("Checkpoint of another training", "The checkpoint was written with another plan, other data, other labels or another seed; going on from it would mix two trainings.", "Give the checkpoint another path, or delete it."),
    "RG721": Entry("Checkpoint damaged", "The file is not a checkpoint of a training written by radiogen, or is damaged.", "Delete it; the training begins anew."),
    "RG722": Entry("Training diverged", "The loss of a network is not finite any more.", "Use a smaller learning rate, or look for extreme values in the inputs."),
    "RG723": Entry("Device not there", "The device asked for does not exist on this machine, or torch cannot use it.", "Use `device: auto` or `cpu`, fewer `devices`, or install a torch built for the GPU."),
    "RG730": Entry("Unknown backbone", "There is no encoder of pictures of this name.", "Use `compact`, `efficientnet_lite0` or the name of one of torchvision's classifiers."),
    "RG731": Entry("Backbone without a convolutional map", "A vision transformer has no convolutional map that an activation map could show.", "Take a convolutional backbone, or another attribution."),
    "RG732": Entry("Weights cannot be read", "The file of weights is missing, damaged, empty, or holds numbers that are not finite.", "Give a .safetensors, or a .pth that holds names and arrays (`torch.save(net.state_dict(), path)`)."),
    "RG733": Entry("File of weights holds code", "The file holds objects that only running its code would build. That is refused, because such a file can do anything.", "Save the arrays alone where the network was made: `torch.save(net.state_dict(), path)`, or .safetensors."),
    "RG734": Entry("Weights of another network", "The names or shapes of the arrays do not fit the backbone.", "Give the backbone that the weights were learnt with."),
    "RG735": Entry("Published weights cannot be fetched", "The network is closed, the download failed, or what came is not the file that was published.", "Fetch the file named by other means and give its path as `weights`."),
    "RG736": Entry("torchvision not usable", "torchvision is installed and cannot be imported beside this torch.", "Install the torchvision that belongs to the installed torch: pip install torchvision."),
}

_FILES = {
    "RG801": Entry("Cannot write", "The output cannot be written.", "Choose another folder or free the disk."),
    "RG802": Entry("Not a saved result", "The folder does not hold a result written by radiogen, or is damaged.", "Give the folder that `Result.save` wrote."),
    "RG803": Entry("Folder not empty", "The folder holds files that would be overwritten.", "Choose another folder or add --force."),
}

_INSTALLATION = {
    "RG901": Entry("Engine not installed", "The radiomics engine asked for needs a package that is not installed.", "Use the engine `native`, which needs nothing more; for pyradiomics: pip install numpy && pip install --no-build-isolation pyradiomics==3.0.1 (Python 3.11); `radiogen doctor` says more."),
    "RG902": Entry("Optional package missing", "This function needs a package that is not installed.", "Install the extra named."),
    "RG903": Entry("Cluster not reached", "The Dask scheduler does not answer, has no workers, or was lost during the work.", "Check the address that `dask scheduler` printed, such as tcp://10.0.0.1:8786, and that its port is open; start workers with `dask worker ADDRESS`."),
    "RG904": Entry("Workers unlike this machine", "A worker of the cluster has no radiogen, another version of it, or other versions of the packages that decide a value: its numbers could differ.", "Install the same versions everywhere: `pip freeze` here, `pip install -r` on the workers, then start them again."),
    "RG905": Entry("Workers do not see the files", "A worker of the cluster does not find images, masks or the cache under the paths of this machine, or finds other files there.", "Put images, masks and cache into a folder that all machines share, mounted under the same path."),
    "RG999": Entry("Fault of radiogen itself", "Something happened that radiogen did not foresee. No result was written.", "Run the command again with --debug and report what it prints."),
}

CATALOGUE: dict[str, Entry] = {
    **_YAML,
    **_TABLES,
    **_MARKERS,
    **_ENDPOINTS,
    **_IMAGES,
    **_SPLITS,
    **_ANALYSES,
    **_FILES,
    **_INSTALLATION,
}
