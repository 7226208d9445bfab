"""What is known now: the session shown over what lies before it, and the news of the Fed and of macro."""
