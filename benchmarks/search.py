"""How fast search is, how good, and whether it stays true.

    python -m benchmarks.search speed --engine sqlite --moments 10000 100000 1000000
    python -m benchmarks.search quality --engine sqlite
    python -m benchmarks.search resilience --engine elasticsearch
    python -m benchmarks.search --help

Each part is a module of its own, `benchmarks.search_<part>`. Real texts come from VIDEOPORTAL_DATA.
"""

from __future__ import annotations

import argparse
import os

import django


def main() -> None:
    # Digests of vectors and the documents of Elasticsearch belong to models.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoportal.settings")
    django.setup()
    from benchmarks import search_freshness, search_quality, search_resilience, search_speed

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(required=True)
    # A part adds its arguments, and has `run(options)`.
    parts_by_name = {
        "quality": search_quality,
        "speed": search_speed,
        "freshness": search_freshness,
        "resilience": search_resilience,
    }
    for name, part in parts_by_name.items():
        its = parts.add_parser(name, description=part.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        part.add_arguments(its)
        its.set_defaults(run=part.run)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
