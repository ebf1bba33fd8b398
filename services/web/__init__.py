"""The screens: web components for product pages, a small client, the demo page and the console. Plain ES modules.

In: JobViews and the words that come with them. Out: what a person sees and clicks. Promise: no screen of ours goes
back in time or says anything that the service did not say.
"""
