"""How clients become guarded: sessions that create guarded clients, `wrap` for one client, and `install` for a process."""
