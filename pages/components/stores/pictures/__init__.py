"""Real pictures in the browser, all of a set in one file that it fetches once.

JavaScript gets them by `pictures(url)` of `pictures.js`; to be asked for when one is first looked at.

Shapes: N pictures, S pixels a side.
"""

import gzip
import hashlib

from pages.components.shell.assets import serve
from vae.datasets.pictures import Picture

# Of 60,000 pictures of MNIST, 47 MB: level 1 makes 11.0 MB, 6 9.8 MB in twice the time, 9 takes ten times as
# long as 6 and saves 2 %.
LEVEL = 6


def pictures_name(images: Picture) -> str:
    """What the file of grey levels (N, S, S) is called; takes the time of hashing them."""
    return f"pictures-{hashlib.sha256(_content(images)).hexdigest()[:16]}.gz"


def serve_pictures(name: str, images: Picture) -> str:
    """The address of grey levels (N, S, S), whose name this is, as `pictures.js` reads them: N and S as
    little-endian 32-bit integers and the levels, gzipped. Takes the time of compressing them if they are new.

    Raises VaeError as `serve`.
    """
    # The same bytes whenever they are made: several servers may share static/.
    return serve(name, lambda: gzip.compress(_content(images), LEVEL, mtime=0))


def _content(images: Picture) -> bytes:
    count, side, _ = images.shape
    return b"".join(number.to_bytes(4, "little") for number in (count, side)) + images.tobytes()
