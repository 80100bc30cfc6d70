"""A listener's id in, folders without them and a proof out.

What is not looked at here: files outside the folders given, and what other programs keep. Vectors of tracks were
learned from everybody together; only training again takes one listener's part out of them.
"""

from recsys.forgetting.erase import erase
from recsys.forgetting.listed import Forgotten
from recsys.forgetting.proof import Proof

__all__ = ["Forgotten", "Proof", "erase"]
