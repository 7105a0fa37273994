//! What the documentation shows is what the program prints.

/// The commands of the README and of a page beside it, and the help text, are run, and their output compared.
#[test]
fn the_documentation_holds() {
    trycmd::TestCases::new()
        .env("NO_COLOR", "1")
        // Noon of the second of January 2026, so that what ends on a day does not end here.
        .env("SOURCE_DATE_EPOCH", "1767355200")
        .case("README.md")
        .case("docs/suppressing.md")
        .case("tests/cmd/*.trycmd");
}
