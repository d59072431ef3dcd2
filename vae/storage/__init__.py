"""Files written whole or not at all, strangers' files read with limits, and locks."""
