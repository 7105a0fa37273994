//! What the documentation shows is what the program prints.

/// The README's commands and the help text are run, and their output compared.
#[test]
fn the_documentation_holds() {
    trycmd::TestCases::new().env("NO_COLOR", "1").case("README.md").case("tests/cmd/*.trycmd");
}
