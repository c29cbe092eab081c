"""Which modalities are pictures, and who writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from radiogen.simulate.album import Album
from radiogen.simulate.ceus_views import write_ceus
from radiogen.simulate.doppler_views import write_doppler
from radiogen.simulate.swe_views import write_swe
from radiogen.simulate.views import Generators, Written, write_bmode

Writer = Callable[[Album, pd.DataFrame, Generators], Written]

#: modality -> the task whose random numbers its pictures are drawn with, and what draws and writes them
WRITERS: Mapping[str, tuple[str, Writer]] = {
    "bmode": ("image", write_bmode),
    "swe": ("swe_image", write_swe),
    "doppler": ("doppler_image", write_doppler),
    "ceus": ("ceus_image", write_ceus),
}
