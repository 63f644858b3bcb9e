"""Touches the world. One port each; decides nothing."""
