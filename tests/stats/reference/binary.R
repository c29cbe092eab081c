# Writes binary.json: references of R for reclassification, calibration, paired and independent proportions.
# usage: Rscript binary.R binary.json   (survival's pbc data, the 312 randomised patients)
suppressMessages({library(survival); library(rms); library(Hmisc); library(boot)})
out <- list(); num <- function(x) unname(as.numeric(x))
d <- subset(pbc, !is.na(trt)); d <- d[complete.cases(d[, c("bili", "albumin", "age", "hepato", "stage")]), ]
d <- data.frame(time = d$time / 365.25, event = as.numeric(d$status == 2), status = c(0, 2, 1)[d$status + 1],
                bili = log(d$bili), albumin = d$albumin, age = d$age, y = d$hepato, stage = d$stage)
out$data <- d
out$versions <- as.list(sapply(c("survival", "rms", "Hmisc", "boot"), function(p) as.character(packageVersion(p))))
p0 <- fitted(glm(y ~ age, binomial, d)); p1 <- fitted(glm(y ~ age + bili, binomial, d))
out$risks <- list(old = num(p0), new = num(p1))
ip <- improveProb(p0, p1, d$y)
out$improve <- lapply(unclass(ip)[c("nri", "se.nri", "z.nri", "nri.ev", "se.nri.ev", "z.nri.ev", "nri.ne", "se.nri.ne", "z.nri.ne", "idi", "se.idi", "z.idi", "improveSens", "improveSpec")], num)
pv <- plogis(-0.2 + 1.4 * qlogis(p1)); vp <- val.prob(pv, d$y, pl = FALSE)
out$val_prob <- list(p = num(pv), names = names(vp), values = num(vp))
br <- unique(quantile(pv, seq(0, 1, 0.1))); g <- cut(pv, br, include.lowest = TRUE)
o <- tapply(d$y, g, sum); e <- tapply(pv, g, sum); n <- tapply(d$y, g, length)
x2 <- sum((o - e)^2 / e + (o - e)^2 / (n - e)); out$hosmer_lemeshow <- list(chisq = x2, p = 1 - pchisq(x2, length(n) - 2))
# calibration at three years (Austin, Harrell and van Klaveren)
h <- 3; r <- 1 - exp(-0.15 * exp(0.9 * (d$bili - mean(d$bili)) + 0.03 * (d$age - mean(d$age)))); d$cll <- log(-log(1 - r))
f <- coxph(Surv(time, event) ~ rcs(cll, 3), d, x = TRUE)
obs <- num(1 - summary(survfit(f, newdata = d, se.fit = FALSE), times = h)$surv); gap <- abs(obs - r)
sf <- summary(survfit(f, newdata = d[1:5, ], conf.type = "log-log"), times = h)
km <- summary(survfit(Surv(time, event) ~ 1, d), times = h)
cs <- summary(coxph(Surv(time, event) ~ cll, d))$coefficients
out$survival <- list(horizon = h, risk = r, observed = obs, ici = mean(gap), e50 = num(quantile(gap, .5)), e90 = num(quantile(gap, .9)),
  emax = max(gap), lower = num(1 - sf$upper), upper = num(1 - sf$lower), km_risk = 1 - km$surv, km_se = km$std.err,
  slope_cox = num(cs[1]), slope_cox_se = num(cs[3]))
# intercept and slope of jackknife pseudo-observations, complementary log-log link, constant variance, sandwich
risk <- function(k) 1 - summary(survfit(Surv(time, event) ~ 1, d[k, ]), times = h)$surv
n <- nrow(d); ps <- sapply(1:n, function(i) n * risk(1:n) - (n - 1) * risk(-i))
fam <- gaussian(make.link("cloglog"))
robust <- function(m, X) { eta <- m$linear.predictors; D <- exp(eta - exp(eta)); w <- ps - m$fitted.values
  b <- solve(t(X * D) %*% (X * D)); sqrt(diag(b %*% (t(X * D * w) %*% (X * D * w)) %*% b)) }
ctl <- glm.control(epsilon = 1e-14, maxit = 200)
m0 <- glm(ps ~ offset(cll), fam, data = d, start = 0, control = ctl); m1 <- glm(ps ~ cll, fam, data = d, start = c(0, 1), control = ctl)
out$pseudo <- list(values = num(ps), intercept = num(coef(m0)), intercept_se = robust(m0, matrix(1, n, 1)), slope = num(coef(m1)[2]), slope_se = robust(m1, cbind(1, d$cll))[2])
# competing risks: risk of death by the horizon with transplant competing, in all and in the upper half of risk
aj <- function(k) { s <- survfit(Surv(time, factor(status, 0:2)) ~ 1, d[k, ]); num(summary(s, times = h)$pstate[, 2]) }
out$competing <- list(all = aj(rep(TRUE, n)), high = aj(r >= median(r)), threshold = median(r))
# net reclassification at the horizon (Pencina 2011) from Kaplan-Meier risks
r0 <- 1 - exp(-0.15 * exp(0.03 * (d$age - mean(d$age)))); up <- r > r0; dn <- r < r0; F <- function(k) risk(which(k))
pu <- mean(up); pd <- mean(dn); all <- F(rep(TRUE, n))
out$nri_survival <- list(old = r0, events = (F(up) * pu - F(dn) * pd) / all, nonevents = ((1 - F(dn)) * pd - (1 - F(up)) * pu) / (1 - all))
a <- as.numeric((p1 > .5) == (d$y == 1)); b <- as.numeric((p0 > .5) == (d$y == 1)); c3 <- as.numeric((d$stage > 2) == (d$y == 1))
tb <- table(factor(a, 0:1), factor(b, 0:1)); mc <- mcnemar.test(tb); mu <- mcnemar.test(tb, correct = FALSE)
fr <- friedman.test(cbind(a, b, c3))
out$paired <- list(a = a, b = b, c = c3, chisq = num(mc$statistic), p = mc$p.value, chisq_plain = num(mu$statistic), p_plain = mu$p.value,
  exact = binom.test(tb[1, 2], tb[1, 2] + tb[2, 1])$p.value, cochran = num(fr$statistic), cochran_p = fr$p.value)
k <- tapply(d$y, d$stage, sum); m <- tapply(d$y, d$stage, length); pt <- prop.test(k, m); p2 <- prop.test(k[3:4], m[3:4]); p3 <- prop.test(k[3:4], m[3:4], correct = FALSE)
out$proportions <- list(k = num(k), n = num(m), chisq = num(pt$statistic), p = pt$p.value, yates = num(p2$statistic), yates_p = p2$p.value,
  plain = num(p3$statistic), plain_p = p3$p.value, fisher_p = fisher.test(cbind(k[3:4], m[3:4] - k[3:4]))$p.value,
  wilson = num(prop.test(k[1], m[1], correct = FALSE)$conf.int), exact = num(binom.test(k[1], m[1])$conf.int))
# bca with so many resamples that the limits agree to two digits
set.seed(1); bt <- boot(d$albumin, function(x, i) var(x[i]), 20000); ci <- boot.ci(bt, type = c("perc", "basic", "bca"))
out$boot <- list(estimate = bt$t0, percentile = num(ci$percent[4:5]), basic = num(ci$basic[4:5]), bca = num(ci$bca[4:5]))
set.seed(2); v <- validate(lrm(y ~ age + bili + albumin, d, x = TRUE, y = TRUE), B = 2000)
out$validate <- list(rows = rownames(v), values = apply(unclass(v), 1, num, simplify = FALSE))
cat(jsonlite::toJSON(out, digits = NA, auto_unbox = TRUE, na = "null", dataframe = "columns", force = TRUE), file = commandArgs(TRUE)[1])
