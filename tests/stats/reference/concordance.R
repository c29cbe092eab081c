# Concordance with competing events, by pec::cindex (marginal censoring): Rscript concordance.R concordance.json
# pec 2022.05.04 and survival's pbc; times are made different, since pec treats ties in time in another way.
suppressMessages({library(pec); library(prodlim); library(survival)})
p <- pbc[!is.na(pbc$trt), ][1:150, ]; p$status <- c(0, 2, 1)[p$status + 1]
p$time <- p$time + order(order(p$time, runif(nrow(p)))) / 1000
out <- list(data = list(time = p$time, status = p$status, risk = round(p$age + 8 * log(p$bili), 1)))
one <- function(t) { m <- matrix(out$data$risk / 1000, ncol = 1)
  unname(cindex(list(r = m), formula = Hist(time, status) ~ 1, data = p, eval.times = t, pred.times = t, cause = 1, cens.model = "marginal", verbose = FALSE)$AppCindex$r) }
out$times <- c(1000, 2000, 3000); out$cindex <- sapply(out$times, one); out$version <- as.character(packageVersion("pec"))
cat(jsonlite::toJSON(out, digits = NA, auto_unbox = TRUE), file = commandArgs(TRUE)[1])
