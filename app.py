"""Entry point of the app, `streamlit run app.py`.

Streamlit imports this file once, for the server, and then runs it for each visitor.
"""

import streamlit as st

from pages.components.shell.warm_up import imported, warm_up

if __name__ == "__main__":
    imported("pages.components.shell.navigation").show_page()
else:
    app = st.App(__file__, lifespan=warm_up)
