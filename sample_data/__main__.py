"""`python -m sample_data`: generate the committed sample again, byte for byte."""

from pathlib import Path

from sample_data.generate import synthesise
from sample_data.settings import SAMPLE_HOUSEHOLDS, SAMPLE_SEED, SAMPLE_SETTINGS

if __name__ == "__main__":
    folder = Path(__file__).parent / "sample"
    for table, rows in synthesise(SAMPLE_HOUSEHOLDS, SAMPLE_SEED, folder, SAMPLE_SETTINGS).items():
        print(f"{table}: {rows:,} rows")
