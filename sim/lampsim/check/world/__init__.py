"""The small street that a check plays: lines, posts with their boards, and the stage of the faults."""
