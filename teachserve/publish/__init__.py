"""The server's side of the link: frames to whoever watches, commands from them.

A watcher is another process. It can be slow, stopped or gone, and the server must not notice: each has a sender thread of
its own behind a bounded queue of encoded frames; where that is full the frame is dropped whole and its loss counted, and
the next absolute values repair the picture. The link is `multiprocessing.connection` over AF_UNIX with an HMAC key, and
carries JSON, never pickle. (Nothing is imported here: a watcher needs the runtime directory, and none of the server.)
"""
