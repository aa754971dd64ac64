"""Links with which a player that sends no credentials hears one audio for a while."""
