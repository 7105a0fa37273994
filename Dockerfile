# The static program that `cargo xtask release` makes, and nothing else: no shell, no libraries, no user to become.
#
#   docker build -t cce-fix .
#   docker run --rm --read-only --network none --cap-drop ALL --security-opt no-new-privileges \
#     --user "$(id -u):$(id -g)" --volume "$PWD:/work" cce-fix --diff .
FROM scratch
COPY target/dist/cce-fix /cce-fix
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["/cce-fix"]
CMD ["--help"]
